/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.agent.hooks;

/**
 * When a socket that has joined is tended next, and what came of it; see {@link Tends}.
 *
 * <p>By its reads: after 8, then after twice as many each time, up to 16,384. Nothing tells this
 * side of an enrolment; wherever it falls, the next tend comes before the socket has read twice as
 * often. By time: at the next two looks of {@link Joins}, for one that hardly reads. By its large
 * writes: see {@link Pace}.
 */
final class Tend {
  /** Reads from the join to the first: before so many messages a socket is hardly enrolled. */
  static final int FIRST_READS = 8;

  /** One call in so many reads is nothing, and what it finds by then can wait. */
  static final int MAX_READS = 16_384;

  /** Looks of {@link Joins} that tend it, from the join on: the first may come too early. */
  static final int LOOKS = 2;

  /** Refusals in a row, each of which costs an exception, are no accident. */
  static final int MAX_REFUSED = 4;

  /**
   * Reads from the last one to the next. Under the socket's read lock, but see {@link #again}; so
   * is the next.
   */
  private int pause = FIRST_READS;

  /** Reads until the next one. */
  private int readsLeft = FIRST_READS;

  /** Of the thread of {@link Joins}. */
  private int looksLeft = LOOKS;

  /** In a row; of whoever tends, and one that is lost is no harm. */
  private int refused;

  /** It was enrolled when it was tended, so the kernel's part may have given it room. */
  private volatile boolean mayHaveRoom;

  /** Whether this look at the record, of a read, tends; called once in each. */
  boolean isDue() {
    if (readsLeft > 0) {
      return false;
    }
    pause = Math.min(pause * 2, MAX_READS);
    readsLeft = pause;
    return true;
  }

  /** How many reads may go without a look from now on. */
  int mostRest() {
    return readsLeft - 1;
  }

  /** So many go, and then there is a look. */
  void rests(int reads) {
    readsLeft -= reads + 1;
  }

  /** Whether this look through the table tends; called once in each. */
  boolean takeLook() {
    if (looksLeft == 0) {
      return false;
    }
    looksLeft--;
    return true;
  }

  boolean hasLooks() {
    return looksLeft > 0;
  }

  /** It has joined once more; of the thread of {@link Joins}. */
  void looksAgain() {
    looksLeft = LOOKS;
  }

  /**
   * It is asked for again. Without the read lock: a read may not see it, or undo it, and then tends
   * when it would have anyway.
   */
  void again() {
    pause = FIRST_READS;
    readsLeft = FIRST_READS;
    refused = 0;
  }

  void answered(boolean granted) {
    if (!granted) {
      refused++;
    } else if (refused != 0) {
      refused = 0;
    }
  }

  /** Nobody looks after it any more, as far as this side can tell. */
  boolean isGivenUp() {
    return refused >= MAX_REFUSED;
  }

  boolean mayHaveRoom() {
    return mayHaveRoom;
  }

  void mayHaveRoom(boolean may) {
    mayHaveRoom = may;
  }
}
