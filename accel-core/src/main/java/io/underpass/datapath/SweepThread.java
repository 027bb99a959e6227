package io.underpass.datapath;

import io.underpass.ffm.NativeException;
import io.underpass.ffm.RingBuffer;
import java.util.function.Consumer;

/**
 * Sweeps while something is undecided, ever more rarely while nothing changes, and sleeps when all
 * is settled until a program wakes it: a registered process connects, or one registers.
 */
final class SweepThread implements AutoCloseable {
  /** No sooner after another: what a connection needs to show what it is. */
  private static final long FIRST_NANOS = 5_000_000;

  /** At rest with undecided flows (idle connections): one sweep of a few microseconds a second. */
  private static final long LAST_NANOS = 1_000_000_000;

  /**
   * So long after a wake-up it does not sleep for good: a process says that it connects before its
   * socket is anything that a scan could see.
   */
  private static final long VIGILANT_NANOS = 1_000_000_000;

  /** A sweep may take one part in so many of a processor's time. */
  private static final long REST_FACTOR = 20;

  /** One sweep. */
  @FunctionalInterface
  interface Step {
    Sweep.Result run() throws NativeException;
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
    long vigilantUntil = System.nanoTime() + VIGILANT_NANOS;
    while (!stopping) {
      try {
        long start = System.nanoTime();
        Sweep.Result result = step.run();
        long least = Math.max(FIRST_NANOS, REST_FACTOR * (System.nanoTime() - start));
        pause = result.moved() ? least : Math.clamp(2 * pause, least, Math.max(least, LAST_NANOS));
        boolean undecided = result.undecided() || System.nanoTime() - vigilantUntil < 0;
        // At most one sweep in `least`, however often it is woken; the wake-up is not lost.
        Thread.sleep(least / 1_000_000);
        long rest = pause - least;
        if (events.await(undecided ? (int) (rest / 1_000_000) : -1) > 0 || !undecided) {
          pause = FIRST_NANOS;
          vigilantUntil = System.nanoTime() + VIGILANT_NANOS;
        }
      } catch (NativeException | RuntimeException e) {
        trouble.accept("sweep: " + e.getMessage());
        pause = LAST_NANOS;
        sleep(LAST_NANOS);
      } catch (InterruptedException e) {
        return; // close() does that
      }
    }
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
