package io.underpass.agent.hooks;

/**
 * Whether waiting for the reader pays on one socket: each wait in vain makes the next rarer.
 *
 * <p>Not synchronized: used under the write lock of its socket only.
 */
final class Pace {
  /** Large writes until a socket is asked again that was not accelerated. */
  static final int PLAIN_REST = 64;

  private static final int MAX_LEVEL = 10;

  /** Large writes to come without a question. */
  private int rest;

  /** The rest after the last wait in vain was 2 to the power of this. */
  private int level;

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
