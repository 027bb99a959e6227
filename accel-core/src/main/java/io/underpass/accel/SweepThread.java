/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.accel;

import io.underpass.ffm.NativeException;
import io.underpass.ffm.RingBuffer;
import io.underpass.service.Vital;
import java.io.IOException;
import java.time.Duration;
import java.util.function.Consumer;

/**
 * Sweeps when a program has named a socket, or when one is due, and sleeps otherwise: a socket has
 * joined, a flow is to be judged, or a process registers.
 */
public final class SweepThread implements AutoCloseable {
  /** Between two sweeps: the other end of a connection joins at about the same time. */
  private static final long LEAST_NANOS = 100_000;

  /** After a sweep that failed. */
  private static final long TROUBLE_NANOS = 1_000_000_000;

  /** So many sweeps in a row that fail are no accident. */
  private static final int FAILING = 3;

  /** Nor will one more succeed after so many: the helper is to be started anew. */
  private static final int MAX_FAILURES = 30;

  /** One sweep. */
  @FunctionalInterface
  public interface Step {
    /** Visits what programs have named since the last one, and what is due. */
    Sweep.Result run() throws IOException;
  }

  private final RingBuffer events;
  private final ControlBlock control;
  private final Step step;
  private final Consumer<String> trouble;
  private final Thread thread;

  private volatile boolean stopping;

  /** In a row; written by the thread alone. */
  private volatile int failures;

  /** It ends the helper if it ends by itself. */
  public SweepThread(
      RingBuffer events, ControlBlock control, Step step, Consumer<String> trouble, Vital vital) {
    this.events = events;
    this.control = control;
    this.step = step;
    this.trouble = trouble;
    this.thread = vital.thread("underpass-sweep", this::run);
    thread.start();
  }

  /** How many sweeps in a row have failed; 0 for what may be an accident. */
  public int failing() {
    int now = failures;
    return now < FAILING ? 0 : now;
  }

  /** Makes the next sweep happen soon. */
  public void wake() {
    events.wake();
  }

  private void run() {
    SweepBudget budget = new SweepBudget(System.nanoTime());
    while (!stopping) {
      try {
        long start = System.nanoTime();
        Sweep.Result result = step.run();
        failures = 0;
        // At most one sweep in `least`, however often it is woken; what is named is not lost.
        long least = Math.max(LEAST_NANOS, budget.spend(start, System.nanoTime()));
        Thread.sleep(Duration.ofNanos(least));
        await(result.next());
      } catch (IOException | RuntimeException | Error e) {
        // An Error of one sweep, too, is no reason for none.
        int failed = failures + 1;
        failures = failed;
        if (failed == MAX_FAILURES) {
          throw new IllegalStateException(failed + " sweeps in a row have failed", e);
        }
        sleep(TROUBLE_NANOS); // there may be memory again to say so
        trouble.accept("sweep: " + e);
      } catch (InterruptedException e) {
        return; // close() does that
      }
    }
  }

  /** Until a program names a socket, somebody wakes the thread, or it is time. */
  private void await(long until) throws NativeException {
    control.arm();
    // The ring buffer is readable by what it holds, whether or not its writer woke anybody.
    events.await(until == Agenda.NEVER ? -1 : Math.max(0, until - System.nanoTime()));
  }

  private void sleep(long nanos) {
    try {
      Thread.sleep(nanos / 1_000_000);
    } catch (InterruptedException e) {
      stopping = true;
    }
  }

  /** Ends the thread; a sweep that runs is finished first. May be called again. */
  @Override
  public void close() {
    if (stopping) {
      return;
    }
    stopping = true;
    events.wake();
    boolean interrupted = false;
    while (thread.isAlive()) {
      try {
        thread.join();
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    events.close();
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
