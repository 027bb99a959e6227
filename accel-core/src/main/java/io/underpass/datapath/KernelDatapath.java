package io.underpass.datapath;

import io.underpass.ffm.BpfIterator;
import io.underpass.ffm.BpfMap;
import io.underpass.ffm.BpfObject;
import io.underpass.ffm.BpfProgram;
import io.underpass.ffm.GracePeriod;
import io.underpass.ffm.NativeException;
import io.underpass.ffm.RingBuffer;
import io.underpass.helper.Datapath;
import io.underpass.helper.HelperConfig;
import io.underpass.helper.Net;
import io.underpass.helper.Registration;
import io.underpass.protocol.GroupWish;
import io.underpass.protocol.Totals;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.ArrayList;
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
  private static final String OBJECT = "/io/underpass/bpf/underpass.bpf.o";

  /** How long an orderly stop waits for the readers to empty their queues. */
  private static final int DRAIN_MILLIS = 5_000;

  private static final int DRAIN_STEP_MILLIS = 20;

  private static final List<String> CGROUP_PROGRAMS =
      List.of("up_sock_create", "up_connect4", "up_connect6", "up_setsockopt", "up_getsockopt");

  private final ReentrantLock lock = new ReentrantLock();
  private final BpfObject object;
  private final Pins pins;
  private final List<AutoCloseable> open = new ArrayList<>();

  private final PortGroups ports;
  private final Registrations registrations;
  private final TotalsTable totals;

  /** Guarded by {@link #lock}. */
  private final ControlBlock control;

  /** Guarded by {@link #lock}. */
  private final Sweep sweep;

  /** Guarded by {@link #lock}. */
  private final BpfIterator dump;

  private final SweepThread thread;
  private final Consumer<String> trouble;
  private volatile boolean stopping;

  /** Loads what a helper is configured to; trouble goes to stderr. */
  public static KernelDatapath load(HelperConfig config, Path cgroup) throws IOException {
    return new KernelDatapath(
        config.bpffs(),
        cgroup,
        Tuning.DEFAULT.withTakeEvery(config.takeEvery()),
        line -> System.err.println("underpass: " + line));
  }

  /**
   * @param pinFolder where maps, links and the verdict are kept; adopted if an earlier helper left
   *     some there
   * @param cgroup the cgroup whose processes may be registered: the root of the v2 hierarchy
   * @param tuning what tests change
   * @param trouble gets one line for each thing that went wrong in the sweep
   */
  public KernelDatapath(Path pinFolder, Path cgroup, Tuning tuning, Consumer<String> trouble)
      throws IOException {
    this.trouble = trouble;
    this.pins = new Pins(pinFolder);
    boolean adopting = pins.exist();
    this.object = BpfObject.open(image(OBJECT), "underpass");
    open.add(object);
    try {
      tuning.apply(object);
      pins.prepare(object);
      object.load();
      this.control = new ControlBlock(object.map("control"));
      this.totals = new TotalsTable(object.map("totals"));
      BpfMap socks = object.map("socks");
      BpfIterator scan = keep(object.program("up_scan").attachIterator(socks));
      this.dump = keep(object.program("up_dump").attachIterator(socks));
      BpfIterator apply = keep(object.program("up_apply").attachIterator());
      this.sweep = new Sweep(control, scan, apply, new GracePeriod(object));
      this.registrations =
          new Registrations(object.map("jvms"), object.program("up_claim"), control);

      // The verdict before the marks: no socket can be enrolled while the sockhash has none.
      BpfProgram verdict = object.program("up_verdict");
      verdict.attachVerdict(object.map("senders"));
      pins.keepVerdict(verdict);
      // Takes back the pause of a helper that stopped without finishing. One that was killed may
      // have taken off one end of a pair only.
      control.recheck(adopting);
      sweep.run();
      for (String name : CGROUP_PROGRAMS) {
        open.add(pins.attach(object.program(name), cgroup));
      }
      this.thread =
          new SweepThread(new RingBuffer(object.map("events"), _ -> {}), this::sweepOnce, trouble);
      this.ports = keep(new PortGroups(pinFolder, cgroup, trouble));
    } catch (IOException | RuntimeException e) {
      if (!adopting) {
        removePins(e);
      }
      closeAll(e);
      throw e;
    }
  }

  @Override
  public int firstId() {
    return registrations.firstId();
  }

  /** Marks the process: every TCP socket that it has, or makes from now on, gets a record. */
  @Override
  public void admit(Registration registration) throws IOException {
    lock.lock();
    try {
      totals.clear(registrations.admit(registration));
      control.nextGeneration();
      thread.wake();
    } finally {
      lock.unlock();
    }
  }

  @Override
  public String join(Registration registration, GroupWish wish, List<Net> pools)
      throws IOException {
    lock.lock();
    try {
      long start = registrations.startNanosOf(registration.pid());
      return ports.join(registration, start, wish, pools);
    } finally {
      lock.unlock();
    }
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
    } catch (NativeException e) {
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

  @Override
  public String state() {
    return stopping ? "stopping" : "running";
  }

  @Override
  public String reason() {
    if (stopping) {
      return "flows go back to TCP";
    }
    lock.lock();
    try {
      long unreachable = sweep.unreachable();
      return unreachable == 0
          ? ""
          : unreachable + " times a network namespace could not be entered";
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void sweep() throws NativeException {
    sweepOnce();
  }

  private Sweep.Result sweepOnce() throws NativeException {
    lock.lock();
    try {
      int orphan = registrations.nextOrphan();
      control.dismiss(orphan);
      Sweep.Result result = sweep.run();
      control.dismiss(0);
      return registrations.awaitsOrphans() ? result.andAgain() : result;
    } finally {
      lock.unlock();
    }
  }

  /**
   * Takes every flow back to TCP, then all that is attached and pinned away. If some reader does
   * not empty its queue in time, maps and verdict stay pinned, since removing them would lose those
   * bytes; the next helper adopts them.
   */
  @Override
  public void close() {
    stopping = true;
    thread.close();
    lock.lock();
    try {
      if (drain()) {
        pins.remove();
      } else {
        trouble.accept(
            "stop: some flows still hold unread bytes; the kernel part stays pinned, paused, and is"
                + " adopted by the next helper");
      }
    } catch (IOException e) {
      trouble.accept("stop: " + e.getMessage());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } finally {
      lock.unlock();
    }
    closeAll(null);
  }

  /** False if it took too long. */
  private boolean drain() throws NativeException, InterruptedException {
    control.pause(true);
    long end = System.nanoTime() + DRAIN_MILLIS * 1_000_000L;
    while (sweep.run().found().enrolled() > 0) {
      if (System.nanoTime() > end) {
        return false;
      }
      Thread.sleep(DRAIN_STEP_MILLIS);
    }
    return true;
  }

  private <T extends AutoCloseable> T keep(T resource) {
    open.add(resource);
    return resource;
  }

  private void removePins(Exception cause) {
    try {
      pins.remove();
    } catch (IOException e) {
      cause.addSuppressed(e);
    }
  }

  private void closeAll(Exception cause) {
    for (AutoCloseable resource : open.reversed()) {
      try {
        resource.close();
      } catch (Exception e) {
        if (cause == null) {
          throw new IllegalStateException("closing " + resource, e);
        }
        cause.addSuppressed(e);
      }
    }
    open.clear();
  }

  static byte[] image(String resource) throws IOException {
    try (InputStream in = KernelDatapath.class.getResourceAsStream(resource)) {
      if (in == null) {
        throw new IOException("the jar has no " + resource);
      }
      return in.readAllBytes();
    }
  }
}
