/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.agent.hooks;

/**
 * Whether waiting for the reader pays on one socket: each wait in vain makes the next rarer. And
 * what the answers say of it otherwise.
 *
 * <p>Not synchronized: used under the write lock of its socket only.
 */
final class Pace {
  /** Large writes until a socket is asked again that was not accelerated. */
  static final int PLAIN_REST = 64;

  private static final int MAX_LEVEL = 10;

  /**
   * Answers that have the socket tended, from each on that differs from the last: a socket that is
   * no longer accelerated may be taken off a moment later.
   */
  private static final int TENDS = 2;

  /** Large writes to come without a question. */
  private int rest;

  /** The rest after the last wait in vain was 2 to the power of this. */
  private int level;

  /** What the last answer was. */
  private boolean accelerated;

  /** Answers to come that have the socket tended. */
  private int tends;

  /** Whether this write asks; called once for each. */
  boolean isDue() {
    if (rest == 0) {
      return true;
    }
    rest--;
    return false;
  }

  void rest(int writes) {
    rest = writes;
  }

  /** The kernel has answered whether it is accelerated; is it to be tended? */
  boolean tendsAt(boolean answer) {
    if (answer != accelerated) {
      accelerated = answer;
      tends = TENDS;
    }
    if (tends == 0) {
      return false;
    }
    tends--;
    return true;
  }

  /** The reader came along in time. */
  void won() {
    level = 0;
  }

  /** It did not. */
  void lost() {
    level = Math.min(level + 1, MAX_LEVEL);
    rest = 1 << level;
  }
}
