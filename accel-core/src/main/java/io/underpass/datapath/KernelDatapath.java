/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.datapath;

import io.underpass.accel.Callers;
import io.underpass.accel.Claims;
import io.underpass.accel.ControlBlock;
import io.underpass.accel.FlowDump;
import io.underpass.accel.FlowTable;
import io.underpass.accel.Halves;
import io.underpass.accel.Known;
import io.underpass.accel.LoadedObject;
import io.underpass.accel.OptionHooks;
import io.underpass.accel.Registrations;
import io.underpass.accel.RuleTable;
import io.underpass.accel.SweepThread;
import io.underpass.accel.Sweeps;
import io.underpass.accel.TotalsTable;
import io.underpass.accel.Tuning;
import io.underpass.ffm.BpfObject;
import io.underpass.ffm.BpfProgram;
import io.underpass.ffm.Cgroup;
import io.underpass.ffm.NativeException;
import io.underpass.kernel.BuiltObject;
import io.underpass.kernel.ForeignPinsWatch;
import io.underpass.kernel.Namespaces;
import io.underpass.kernel.OpenResources;
import io.underpass.kernel.Pins;
import io.underpass.kernel.ProcessIdentity;
import io.underpass.policy.Net;
import io.underpass.ports.PortGroups;
import io.underpass.probe.KernelProbe;
import io.underpass.protocol.Drained;
import io.underpass.protocol.ErrorCode;
import io.underpass.protocol.GroupWish;
import io.underpass.protocol.HelperState;
import io.underpass.protocol.Probe;
import io.underpass.protocol.Totals;
import io.underpass.protocol.UserShare;
import io.underpass.protocol.WireException;
import io.underpass.service.Datapath;
import io.underpass.service.Registration;
import io.underpass.service.Vital;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.stream.Collectors;

/**
 * The loaded BPF object, and the thread that sweeps when something is to be decided.
 *
 * <p>Nothing here waits for the lock of a socket: a sweep takes none, and what may wait for one
 * (see {@link Claims}) is done under no lock of the helper's.
 */
public final class KernelDatapath implements Datapath {
  /**
   * How long a stop by a signal waits for the readers to empty their queues: half of what the
   * strictest of the usual service supervisors (a container's, 10 s) gives before it kills.
   */
  private static final Duration STOP_WAIT = Duration.ofSeconds(5);

  /** See {@link Sweeps}, whose own lock comes before this one. */
  private final ReentrantLock lock = new ReentrantLock();

  private final BpfObject object;
  private final Pins pins;
  private final OpenResources open = new OpenResources();

  private final PortGroups ports;
  private final TotalsTable totals;
  private final FlowDump dump;

  /** Guarded by {@link #lock}. */
  private final Registrations registrations;

  private final Admissions admissions;

  private final Vital vital = new Vital();
  private final Sweeps sweeps;
  private final SweepThread thread;
  private final Consumer<String> trouble;
  private final Drain drain;
  private final List<Probe> probes;

  /** Why nothing is accelerated: all verdicts are paused; empty if something is. */
  private final String refusal;

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

  KernelDatapath(
      Path pinFolder, Path cgroup, Tuning tuning, boolean paused, Consumer<String> trouble)
      throws IOException {
    this.trouble = trouble;
    this.pins = new Pins(pinFolder, BuiltObject.DATAPATH);
    boolean adopting = pins.exist();
    byte[] image = BuiltObject.DATAPATH.image();
    this.probes =
        paused
            ? List.of()
            : KernelProbe.run(image, cgroup, tuning.faultBits(), tuning.probeLimit());
    this.refusal = Probe.refusal(probes);
    LoadedObject loaded = LoadedObject.load(image, tuning, pins, trouble);
    this.object = open.keep(loaded.object());
    try {
      RuleTable.fill(object.map("rules"), tuning.rules());
      ControlBlock control = open.keep(new ControlBlock(object.map("control")));
      this.totals = new TotalsTable(object.map("totals"));
      Namespaces namespaces = open.keep(new Namespaces());
      Halves halves = new Halves(object.map("halves"), object.map("members"));
      Known known = new Known();
      this.dump = open.keep(FlowDump.of(object, known, namespaces));
      OptionHooks hooks =
          new OptionHooks(pins, object, open.keep(Cgroup.open(cgroup)), halves, trouble);
      this.registrations =
          new Registrations(object, hooks, control.keepPolicy(tuning.trustDigest()));

      // The verdict before the marks: no socket can be enrolled while the sockhash has none.
      BpfProgram verdict = object.program("up_verdict");
      verdict.attachVerdict(object.map("senders"));
      pins.keepVerdict(verdict);
      control.pause(paused || !refusal.isEmpty());
      hooks.adopt(); // no socket is enrolled without
      // Takes back the pause of a helper that stopped without finishing, and looks at all that one
      // left which was killed: it may have taken off one end of a pair only.
      this.sweeps =
          open.keep(
              new Sweeps(object, control, halves, known, namespaces, lock, registrations, hooks));
      sweeps.first();
      this.thread =
          new SweepThread(sweeps.events(), control, () -> sweeps.run(false), trouble, vital);
      this.ports = open.keep(new PortGroups(pinFolder, cgroup, trouble, vital));
      open.keep(new ForeignPinsWatch(pinFolder, trouble));
      this.drain = new Drain(sweeps, lock, thread, pins, halves, dump, ports);
      this.admissions =
          new Admissions(
              lock,
              registrations,
              hooks,
              totals,
              new Claims(object, loaded.visitsFiles(), namespaces, cgroup),
              new Callers(object, loaded.visitsFiles()),
              namespaces,
              drain::hasBegun,
              thread::wake,
              trouble);
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
    admissions.admit(registration);
  }

  @Override
  public void claim(Registration registration) throws IOException {
    admissions.claim(registration);
  }

  @Override
  public String joinGroup(
      Registration registration, GroupWish wish, boolean datagrams, List<Net> pools)
      throws IOException {
    ProcessIdentity process;
    lock.lock();
    try {
      process = registrations.identityOf(registration.pid());
    } finally {
      lock.unlock();
    }
    if (process == null && wish != null) {
      throw new WireException(ErrorCode.UNAVAILABLE, "the registration has ended");
    }
    return ports.join(registration, process, wish, datagrams, pools);
  }

  @Override
  public void datagrams(Registration registration) throws IOException {
    ports.datagrams(registration);
  }

  @Override
  public Ports ports(PortQuery query) throws NativeException {
    return ports.list(query);
  }

  /**
   * What the process makes from now on is plain; what it has goes back to TCP with the next sweep.
   */
  @Override
  public void dismiss(Registration registration) {
    try {
      ports.leave(registration);
    } catch (IOException e) {
      trouble.accept("dismiss " + registration.pid() + ": " + e.getMessage());
    }
    admissions.end(registration);
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
    return FlowTable.of(dump, id, limit);
  }

  /** What each user's sockets take of the tables. */
  @Override
  public List<UserShare> users() throws NativeException {
    lock.lock();
    try {
      return registrations.users();
    } finally {
      lock.unlock();
    }
  }

  @Override
  public Map<Integer, Long> flowCounts() throws NativeException {
    return FlowTable.countByOwner(dump);
  }

  /** For tests: see {@link Sweeps#passAll}. */
  void passAll(boolean all) throws NativeException {
    sweeps.passAll(all);
  }

  /** For tests: what {@code up_dump} writes, as it is. */
  void dump(FlowDump.Row row) throws NativeException {
    dump.run(Datapath.ALL, row);
  }

  @Override
  public void whenFailed(Consumer<Throwable> who) {
    vital.whenFailed(who);
  }

  @Override
  public HelperState state() {
    if (drain.hasBegun()) {
      return HelperState.STOPPING;
    }
    if (!refusal.isEmpty()) {
      return HelperState.REFUSED;
    }
    return thread.failing() > 0 ? HelperState.FAILING : HelperState.RUNNING;
  }

  @Override
  public String reason() {
    if (drain.hasBegun()) {
      return "flows go back to TCP: " + drain.left() + " sockets are still enrolled";
    }
    if (!refusal.isEmpty()) {
      return refusal;
    }
    int failing = thread.failing();
    if (failing > 0) {
      return failing + " sweeps in a row have failed; the helper's log says how";
    }
    int there = sweeps.unreachable();
    return there == 0 ? "" : "network namespaces that cannot be entered to find sockets: " + there;
  }

  @Override
  public List<Probe> probes() {
    return probes;
  }

  /** Looks at all that there is, and at what came of it. */
  @Override
  public void sweep() throws IOException {
    sweeps.run(true);
    thread.wake(); // it may be due earlier now
  }

  /** Takes every flow back, as a drain begins, or lets them be taken up again; for tests. */
  public void pause(boolean paused) throws NativeException {
    sweeps.pause(paused);
    thread.wake();
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
        if (!result.held().isEmpty()) {
          trouble.accept(
              "stop: "
                  + result.held().stream().map(Object::toString).collect(Collectors.joining("; ")));
        }
      }
    } catch (IOException e) {
      trouble.accept("stop: " + e.getMessage());
    }
    open.close();
  }
}
