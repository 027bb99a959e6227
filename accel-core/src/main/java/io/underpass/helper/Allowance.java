/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.helper;

/**
 * What somebody may use of something: so much a second, of which some can be saved up. What takes
 * more than is there leaves a debt, of at most as much as can be saved. Not thread-safe.
 */
final class Allowance {
  private static final double NANOS = 1e9;

  private final double perSecond;
  private final double most;
  private double left;

  /** When {@link #left} was right; {@link System#nanoTime}. */
  private long at;

  /** One that is full. */
  Allowance(double perSecond, double most, long now) {
    this.perSecond = perSecond;
    this.most = most;
    this.left = most;
    this.at = now;
  }

  private void grow(long now) {
    left = Math.min(most, left + (now - at) / NANOS * perSecond);
    at = now;
  }

  void spend(double amount, long now) {
    grow(now);
    left = Math.max(-most, left - amount);
  }

  /** In how many nanoseconds there is {@code amount}; 0: now. */
  long nanosUntil(double amount, long now) {
    grow(now);
    return left >= amount ? 0 : 1 + (long) ((amount - left) / perSecond * NANOS);
  }

  boolean isFull(long now) {
    grow(now);
    return left >= most;
  }
}
