package io.underpass.datapath;

import io.underpass.ffm.BpfIterator;
import io.underpass.ffm.BpfMap;
import io.underpass.ffm.BpfObject;
import io.underpass.ffm.BpfProgram;
import io.underpass.ffm.Cgroup;
import io.underpass.ffm.GracePeriod;
import io.underpass.ffm.NativeException;
import io.underpass.ffm.RingBuffer;
import io.underpass.helper.Datapath;
import io.underpass.helper.HelperConfig;
import io.underpass.helper.Net;
import io.underpass.helper.Registration;
import io.underpass.protocol.Drained;
import io.underpass.protocol.ErrorCode;
import io.underpass.protocol.GroupWish;
import io.underpass.protocol.Probe;
import io.underpass.protocol.Totals;
import io.underpass.protocol.WireException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;

/**
 * The loaded BPF object, and the thread that sweeps while something is undecided.
 *
 * <p>Everything that touches the control block or an iterator holds {@link #lock}: the sweep
 * thread, and the server's thread when it admits, dismisses or reads.
 */
public final class KernelDatapath implements Datapath {
  /**
   * How long a stop by a signal waits for the readers to empty their queues: half of what the
   * strictest of the usual service supervisors (a container's, 10 s) gives before it kills.
   */
  private static final Duration STOP_WAIT = Duration.ofSeconds(5);

  private final ReentrantLock lock = new ReentrantLock();
  private final BpfObject object;
  private final Pins pins;
  private final OpenResources open = new OpenResources();

  private final PortGroups ports;
  private final TotalsTable totals;

  /** Guarded by {@link #lock}, as are those up to the thread. */
  private final Registrations registrations;

  private final OptionHooks hooks;
  private final ControlBlock control;
  private final Sweep sweep;
  private final BpfIterator dump;
  private final GracePeriod gracePeriod;

  /** See {@link #passAll}. */
  private boolean passing;

  private final SweepThread thread;
  private final Consumer<String> trouble;
  private final Drain drain;
  private final List<Probe> probes;

  /** Why nothing is accelerated: all verdicts are paused; empty if something is. */
  private final String refusal;

  /** Loads what a helper is configured to; trouble goes to stderr. */
  public static KernelDatapath load(HelperConfig config, Path cgroup) throws IOException {
    return new KernelDatapath(
        config.bpffs(),
        cgroup,
        Tuning.DEFAULT.withTakeEvery(config.takeEvery()).withRules(config.rules()),
        false,
        line -> System.err.println("underpass: " + line));
  }

  /** Whether an earlier helper left something in this folder. */
  public static boolean isLeft(Path pinFolder) {
    return new Pins(pinFolder).exist() || PortGroups.pins(pinFolder).exist();
  }

  /** Tries the kernel, as a start does, without a helper. */
  public static List<Probe> probe(Path cgroup) throws IOException {
    return KernelProbe.run(BuiltObject.DATAPATH.image(), cgroup, 0, KernelProbe.LIMIT);
  }

  /** Takes over what an earlier helper left, only to {@link #drain} it. */
  public static KernelDatapath adoptPaused(HelperConfig config, Path cgroup) throws IOException {
    return new KernelDatapath(
        config.bpffs(),
        cgroup,
        Tuning.DEFAULT,
        true,
        line -> System.err.println("underpass: " + line));
  }

  /**
   * @param pinFolder where maps, links and the verdict are kept; adopted if an earlier helper left
   *     some there
   * @param cgroup where the v2 hierarchy is mounted
   * @param tuning what tests change
   * @param trouble gets one line for each thing that went wrong in the sweep
   */
  public KernelDatapath(Path pinFolder, Path cgroup, Tuning tuning, Consumer<String> trouble)
      throws IOException {
    this(pinFolder, cgroup, tuning, false, trouble);
  }

  private KernelDatapath(
      Path pinFolder, Path cgroup, Tuning tuning, boolean paused, Consumer<String> trouble)
      throws IOException {
    this.trouble = trouble;
    this.pins = new Pins(pinFolder);
    boolean adopting = pins.exist();
    byte[] image = BuiltObject.DATAPATH.image();
    this.probes =
        paused
            ? List.of()
            : KernelProbe.run(image, cgroup, tuning.faultBits(), tuning.probeLimit());
    this.refusal = Probe.refusal(probes);
    this.object = BpfObject.open(image, "underpass");
    open.keep(object);
    try {
      tuning.apply(object);
      pins.prepare(object);
      object.load();
      RuleTable.fill(object.map("rules"), tuning.rules());
      this.control = new ControlBlock(object.map("control"));
      this.totals = new TotalsTable(object.map("totals"));
      BpfMap socks = object.map("socks");
      BpfIterator scan = open.keep(object.program("up_scan").attachIterator(socks));
      this.dump = open.keep(object.program("up_dump").attachIterator(socks));
      BpfIterator apply = open.keep(object.program("up_apply").attachIterator());
      this.gracePeriod = new GracePeriod(object);
      this.sweep = new Sweep(control, scan, apply, gracePeriod);
      BpfIterator held = open.keep(object.program("up_held_cgroups").attachIterator(socks));
      this.hooks = new OptionHooks(pins, object, open.keep(Cgroup.open(cgroup)), held, trouble);
      this.registrations = new Registrations(object, control, hooks);

      // The verdict before the marks: no socket can be enrolled while the sockhash has none.
      BpfProgram verdict = object.program("up_verdict");
      verdict.attachVerdict(object.map("senders"));
      pins.keepVerdict(verdict);
      control.pause(paused || !refusal.isEmpty());
      hooks.adopt(); // no socket is enrolled without
      // Takes back the pause of a helper that stopped without finishing. One that was killed may
      // have taken off one end of a pair only.
      control.recheck(adopting);
      sweep.run();
      this.thread =
          new SweepThread(new RingBuffer(object.map("events"), _ -> {}), this::sweepOnce, trouble);
      this.ports = open.keep(new PortGroups(pinFolder, cgroup, trouble));
      this.drain = new Drain(lock, thread, control, sweep, pins, dump, ports);
    } catch (IOException | RuntimeException e) {
      if (!adopting) {
        pins.removeAfter(e);
      }
      open.closeAfter(e);
      throw e;
    }
  }

  @Override
  public int firstId() {
    return registrations.firstId();
  }

  /** Marks the process: its TCP connections get records, and so do later ones that it asks for. */
  @Override
  public void admit(Registration registration) throws IOException {
    lock.lock();
    try {
      refuseIfStopping();
      totals.clear(registrations.admit(registration));
      control.nextGeneration();
      thread.wake();
    } finally {
      lock.unlock();
    }
  }

  private void refuseIfStopping() throws WireException {
    if (drain.hasBegun()) {
      throw new WireException(ErrorCode.UNAVAILABLE, "the helper stops");
    }
  }

  @Override
  public void claim(Registration registration) throws IOException {
    lock.lock();
    try {
      refuseIfStopping();
      registrations.claim(registration.id());
      control.nextGeneration();
      thread.wake();
    } finally {
      lock.unlock();
    }
  }

  @Override
  public String join(Registration registration, GroupWish wish, boolean datagrams, List<Net> pools)
      throws IOException {
    lock.lock();
    try {
      long start = registrations.startNanosOf(registration.pid());
      return ports.join(registration, start, wish, datagrams, pools);
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void datagrams(Registration registration) throws IOException {
    ports.datagrams(registration);
  }

  @Override
  public List<BoundPort> ports() throws NativeException {
    return ports.ports();
  }

  /** What the process makes from now on is plain, what it has goes back to TCP. */
  @Override
  public void dismiss(Registration registration) {
    lock.lock();
    try {
      ports.leave(registration);
      if (registrations.dismiss(registration.id())) {
        control.dismiss(registration.id());
        sweep.run();
        thread.wake(); // what holds unread bytes leaves later
      }
    } catch (IOException e) {
      trouble.accept("dismiss " + registration.pid() + ": " + e.getMessage());
    } finally {
      control.dismiss(0);
      lock.unlock();
    }
  }

  @Override
  public Totals totals(Registration registration) throws NativeException {
    lock.lock();
    try {
      int slot = registrations.slotOf(registration.id());
      return slot == 0 ? Totals.ZERO : totals.read(slot);
    } finally {
      lock.unlock();
    }
  }

  @Override
  public Flows flows(int id, int limit) throws NativeException {
    lock.lock();
    try {
      return FlowTable.of(dump, id, limit);
    } finally {
      lock.unlock();
    }
  }

  @Override
  public Map<Integer, Long> flowCounts() throws NativeException {
    lock.lock();
    try {
      return FlowTable.countByOwner(dump);
    } finally {
      lock.unlock();
    }
  }

  /**
   * For tests: makes every verdict pass, with each socket where it is, or lets them redirect again.
   * A sweep would take the sockets off, or end it: none is made meanwhile.
   */
  void passAll(boolean all) throws NativeException {
    lock.lock();
    try {
      passing = all;
      control.pause(all);
      control.write();
      gracePeriod.await(); // until no verdict runs that has seen it otherwise
    } finally {
      lock.unlock();
    }
  }

  /** For tests: what {@code up_dump} writes, as it is. */
  void dump(Consumer<ByteBuffer> rows) throws NativeException {
    lock.lock();
    try {
      dump.run(rows);
    } finally {
      lock.unlock();
    }
  }

  @Override
  public String state() {
    return drain.hasBegun() ? "stopping" : refusal.isEmpty() ? "running" : "refused";
  }

  @Override
  public String reason() {
    if (drain.hasBegun()) {
      return "flows go back to TCP: " + drain.left() + " sockets are still enrolled";
    }
    if (!refusal.isEmpty()) {
      return refusal;
    }
    lock.lock();
    try {
      int unreachable = sweep.unreachable();
      return unreachable == 0
          ? ""
          : "network namespaces that cannot be entered to take sockets off: " + unreachable;
    } finally {
      lock.unlock();
    }
  }

  @Override
  public List<Probe> probes() {
    return probes;
  }

  @Override
  public void sweep() throws IOException {
    sweepOnce();
  }

  private Sweep.Result sweepOnce() throws IOException {
    lock.lock();
    try {
      if (passing) {
        return Sweep.Result.LATER;
      }
      int orphan = registrations.nextOrphan();
      control.dismiss(orphan);
      Sweep.Result result = sweep.run();
      control.dismiss(0);
      boolean adopting = registrations.awaitsOrphans();
      if (!adopting) {
        hooks.endAdoption();
      }
      return hooks.removeUnused() || adopting ? result.andAgain() : result;
    } finally {
      lock.unlock();
    }
  }

  /** Takes every flow back, as a drain begins, or lets them be taken up again; for tests. */
  public void pause(boolean paused) throws NativeException {
    lock.lock();
    try {
      control.pause(paused);
      sweep.run();
      thread.wake();
    } finally {
      lock.unlock();
    }
  }

  @Override
  public Drained drain(Duration wait) throws IOException {
    return drain.run(wait);
  }

  /** A drain within {@link #STOP_WAIT}, if there was none; says what it had to leave. */
  @Override
  public void close() {
    try {
      Drained result = drain(STOP_WAIT);
      if (!result.removed()) {
        trouble.accept(
            "stop: "
                + result.left()
                + " sockets hold bytes that nobody has read; the kernel part stays pinned, paused,"
                + " until then: end it by underpass drain, or start the next helper");
        result.held().forEach(held -> trouble.accept("stop: " + held));
      }
    } catch (IOException e) {
      trouble.accept("stop: " + e.getMessage());
    }
    open.close();
  }
}
