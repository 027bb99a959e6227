/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.datapath;

import io.underpass.accel.FlowDump;
import io.underpass.accel.FlowTable;
import io.underpass.accel.Halves;
import io.underpass.accel.SweepThread;
import io.underpass.accel.Sweeps;
import io.underpass.kernel.Pins;
import io.underpass.ports.PortGroups;
import io.underpass.protocol.Drained;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;

/** The orderly stop: every flow goes back to TCP, and then everything is removed. Thread-safe. */
final class Drain {
  private static final int STEP_MILLIS = 20;

  private final Sweeps sweeps;

  /** Of {@link KernelDatapath}: guards the hooks and their pins. */
  private final ReentrantLock lock;

  private final SweepThread thread;
  private final Pins pins;
  private final Halves halves;
  private final FlowDump dump;
  private final PortGroups ports;

  private volatile boolean begun;

  /** {@link System#nanoTime} at which it gives up; whoever is shortest counts. */
  private final AtomicLong until = new AtomicLong(Long.MAX_VALUE);

  /** Sockets still enrolled, as of the last look. */
  private volatile int left;

  /** Set once; guarded by this. */
  private Drained result;

  Drain(
      Sweeps sweeps,
      ReentrantLock lock,
      SweepThread thread,
      Pins pins,
      Halves halves,
      FlowDump dump,
      PortGroups ports) {
    this.sweeps = sweeps;
    this.lock = lock;
    this.thread = thread;
    this.pins = pins;
    this.halves = halves;
    this.dump = dump;
    this.ports = ports;
  }

  /** From then on nobody is admitted. */
  boolean hasBegun() {
    return begun;
  }

  /** Sockets that are still enrolled. */
  int left() {
    return left;
  }

  /**
   * Takes everything back, once; who calls later has the same result, and can only shorten the
   * wait.
   */
  Drained run(Duration wait) throws IOException {
    until.accumulateAndGet(System.nanoTime() + wait.toNanos(), Math::min);
    begun = true;
    synchronized (this) {
      if (result == null) {
        thread.close();
        result = takeBack();
      }
      return result;
    }
  }

  private void removePins() throws IOException {
    lock.lock();
    try {
      pins.remove();
    } finally {
      lock.unlock();
    }
  }

  /**
   * A socket whose reader does not read keeps its place in the sockhashes, and they their pins:
   * taking either away would lose what is queued. All verdicts are paused, so such a flow runs by
   * TCP behind what it has queued. The cgroup programs stay with it: they answer for both queues.
   */
  private Drained takeBack() throws IOException {
    while (true) {
      sweeps.pause(true);
      left = halves.members();
      if (left == 0) {
        removePins();
        return new Drained(true, 0, ports.held(), List.of());
      }
      if (System.nanoTime() - until.get() > 0) {
        return new Drained(false, left, ports.held(), FlowTable.held(dump, Drained.MAX_HELD));
      }
      LockSupport.parkNanos(STEP_MILLIS * 1_000_000L);
    }
  }
}
