/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.agent.hooks;

/**
 * Whether this JVM reads enrolled sockets without blocking. A selector wants to know that before it
 * spins. Only the reader of a socket can ask the kernel about it, since it holds the read lock.
 *
 * <p>So the selector leaves a question, and the next reader answers it. With ten thousand
 * connections each of them is read so rarely that none would come to answer by itself.
 *
 * <p>Any number of selectors and readers use it without a lock: an answer that is overwritten by
 * another one, or a question that two answer, is no harm.
 */
final class EnrolledReaders {
  /** How long an answer holds. */
  static final long HOLDS_NANOS = 100_000_000;

  /** A question each this time, so that the next answer is there before the last one is over. */
  static final long PERIOD_NANOS = HOLDS_NANOS / 4;

  /** Somebody wants to know. */
  private volatile boolean asked;

  /** When to ask again; {@code System.nanoTime}. */
  private volatile long askAt;

  /** Until then the answer was yes; {@code System.nanoTime}. */
  private volatile long until;

  EnrolledReaders(long now) {
    askAt = now;
    until = now;
  }

  /** What is known, for a selector; asks where it is time to. */
  boolean isEnrolled(long now) {
    if (now - askAt >= 0) {
      askAt = now + PERIOD_NANOS;
      asked = true;
    }
    return now - until < 0;
  }

  /** Whether the next read is to answer: for each read, so no more than a look. */
  boolean isAsked() {
    return asked;
  }

  /** What the kernel says of one socket. */
  void answer(boolean enrolled, long now) {
    asked = false;
    // One that is plain ends it: a stream whose reader does not sleep has it in smaller pieces.
    until = enrolled ? now + HOLDS_NANOS : now;
  }
}
