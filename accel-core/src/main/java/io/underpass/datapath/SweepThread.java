package io.underpass.datapath;

import io.underpass.ffm.NativeException;
import io.underpass.ffm.RingBuffer;
import java.io.IOException;
import java.time.Duration;
import java.util.function.Consumer;

/**
 * Sweeps while something is undecided, ever more rarely while nothing changes, and sleeps when all
 * is settled until a program wakes it: a socket has joined, a flow is to be judged, or a process
 * registers.
 */
final class SweepThread implements AutoCloseable {
  /** After something has moved: the other end of a connection joins at about the same time. */
  private static final long FIRST_NANOS = 100_000;

  /** At rest with undecided flows (idle connections): one sweep of a few microseconds a second. */
  private static final long LAST_NANOS = 1_000_000_000;

  /** One sweep. */
  @FunctionalInterface
  interface Step {
    Sweep.Result run() throws IOException;
  }

  private final RingBuffer events;
  private final Step step;
  private final Consumer<String> trouble;
  private final Thread thread;
  private volatile boolean stopping;

  SweepThread(RingBuffer events, Step step, Consumer<String> trouble) {
    this.events = events;
    this.step = step;
    this.trouble = trouble;
    this.thread = Thread.ofPlatform().name("underpass-sweep").daemon().start(this::run);
  }

  /** Makes the next sweep happen soon. */
  void wake() {
    events.wake();
  }

  private void run() {
    long pause = FIRST_NANOS;
    SweepBudget budget = new SweepBudget(System.nanoTime());
    while (!stopping) {
      try {
        long start = System.nanoTime();
        Sweep.Result result = step.run();
        long least = Math.max(FIRST_NANOS, budget.spend(start, System.nanoTime()));
        pause = result.moved() ? least : Math.clamp(2 * pause, least, Math.max(least, LAST_NANOS));
        // At most one sweep in `least`, however often it is woken; the wake-up is not lost.
        Thread.sleep(Duration.ofNanos(least));
        if (await(result.undecided(), pause - least)) {
          pause = FIRST_NANOS;
        }
      } catch (IOException | RuntimeException e) {
        trouble.accept("sweep: " + e.getMessage());
        pause = LAST_NANOS;
        sleep(LAST_NANOS);
      } catch (InterruptedException e) {
        return; // close() does that
      }
    }
  }

  /** Waits for a wake-up; not for longer than {@code rest} if something is undecided. */
  private boolean await(boolean undecided, long rest) throws NativeException, InterruptedException {
    if (!undecided) {
      events.await(-1);
      return true;
    }
    // The kernel waits in milliseconds.
    Thread.sleep(Duration.ofNanos(rest % 1_000_000));
    return events.await((int) (rest / 1_000_000)) > 0;
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
