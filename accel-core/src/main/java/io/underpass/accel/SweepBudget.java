/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.accel;

/**
 * What sweeping may take of a processor: a twentieth over time, of which a little can be saved up,
 * so that the first connection after a rest is taken up at once. Used by the sweep thread alone.
 */
final class SweepBudget {
  /** One part in so many of a processor's time. */
  private static final long SHARE = 20;

  /** Saved up at most: some forty sweeps of a few sockets. */
  private static final long SAVED_NANOS = 2_000_000;

  /** No longer than this without a sweep: a helper that was stopped in one has not been working. */
  private static final long LONGEST_PAUSE_NANOS = 1_000_000_000;

  private long saved = SAVED_NANOS;
  private long last;

  SweepBudget(long now) {
    last = now;
  }

  /**
   * A sweep took from {@code start} to {@code end}, as of {@link System#nanoTime}; how long is
   * there to be none?
   */
  long spend(long start, long end) {
    saved = Math.min(SAVED_NANOS, saved + (end - last) / SHARE) - (end - start);
    last = end;
    saved = Math.max(saved, -LONGEST_PAUSE_NANOS / SHARE);
    return saved >= 0 ? 0 : -saved * SHARE;
  }
}
