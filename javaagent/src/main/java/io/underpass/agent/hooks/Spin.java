/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.agent.hooks;

/**
 * Whether spinning pays before the reads of one socket, or the waits of one selector: what it did
 * lately decides how many go without an attempt.
 *
 * <p>Not synchronized: used under the read lock of its socket, or its selector's lock.
 */
final class Spin {
  /** Reads until a socket is asked again that was not enrolled. */
  static final int PLAIN_REST = 1024;

  /** After so many failures in a row, attempts get no rarer: one in 164 ms. */
  static final int MAX_LEVEL = 14;

  /** Reads without a look at anything: that costs as much as all the rest of a read's hook. */
  static final int MAX_REST = 64;

  /** What a failure of level 0 would rest; each level doubles it. */
  static final long REST_NANOS = 10_000;

  /**
   * So many reads that find their bytes at once may ask, at the price of a poll each, for one that
   * a spin has saved from sleeping: a long answer is one wait and many reads.
   */
  static final int CREDIT = 16;

  /** What an attempt takes at most after one that was won: both ends spin, nobody is asleep. */
  private static final long SHORT_NANOS = 40_000;

  /**
   * The same after one that was lost: the other end sleeps, and has to be woken first. Rare, since
   * each that is lost doubles the rest.
   */
  private static final long LONG_NANOS = 100_000;

  /** Reads to come without an attempt, most of them {@link SocketTable}'s; waits of a selector. */
  private int rest;

  /** Failures that count: the rest after the last was 2 to the power of this. */
  private int level;

  /** The last attempt was won. */
  private boolean winning;

  /** No attempt was ever won. */
  private boolean isNew = true;

  /** Reads that may find their bytes at once before the next ones do not ask. */
  private int credit;

  /** No attempt before; {@code System.nanoTime}. */
  private long notBefore;

  /** Until then nobody asks whether the socket is enrolled; {@code System.nanoTime}. */
  private long enrolledUntil;

  Spin(long now) {
    notBefore = now;
    enrolledUntil = now;
  }

  /**
   * Whether this wait of a selector, or this read of those that look, gets an attempt; called once
   * for each.
   */
  boolean isDue() {
    if (rest == 0) {
      return true;
    }
    rest--;
    return false;
  }

  /** Whether it is too early by the clock too, and the next reads need not look. */
  boolean isTooEarly(long now) {
    if (now - notBefore >= 0) {
      return false;
    }
    rest = MAX_REST;
    return true;
  }

  boolean isNew() {
    return isNew;
  }

  boolean isEnrolled(long now) {
    return now - enrolledUntil < 0;
  }

  void enrolledUntil(long time) {
    enrolledUntil = time;
  }

  /** The next so many reads get no attempt. */
  void rest(int reads) {
    rest = reads;
  }

  /** How many reads are to come without an attempt; {@link SocketTable} counts so many of them. */
  int giveRest(int most) {
    int reads = Math.min(rest, most);
    rest -= reads;
    return reads;
  }

  /** What the next attempt may take. */
  long budgetNanos() {
    return winning ? SHORT_NANOS : LONG_NANOS;
  }

  /** The bytes came while it spun: the thread did not have to sleep. */
  void won() {
    // A long one alone proves nothing: it has to be followed by a short one.
    if (winning) {
      level >>= 1;
    }
    winning = true;
    isNew = false;
    credit = CREDIT;
  }

  /**
   * The bytes were there at the first look: it would not have slept anyway. That is no failure: the
   * reader of a stream finds bytes most of the time, until it has caught up with the writer.
   */
  void ready() {
    if (credit > 0) {
      credit--;
    } else {
      rest = MAX_REST;
    }
  }

  /** The bytes did not come: the time is lost, and the thread sleeps now. */
  void lost(long now) {
    winning = false;
    level = Math.min(level + 1, MAX_LEVEL);
    rest = Math.min(1 << level, MAX_REST);
    notBefore = now + (REST_NANOS << level);
  }
}
