package io.underpass.helper;

import io.underpass.protocol.Reply;

/**
 * What becomes of a request: a reply at once, a reply that takes work which others are not to wait
 * for, or one that somebody else sends.
 *
 * @param reply null if it comes later
 * @param work null if it is here, or somebody else's
 */
record Answer(Reply reply, Work work) {
  /** Whoever was asked sends it himself. */
  static final Answer OWED = new Answer(null, null);

  /** Done on a thread that serves nobody else meanwhile; throws nothing. */
  @FunctionalInterface
  interface Work {
    Finish run();
  }

  /** What is left to do on the server's thread; throws nothing. */
  @FunctionalInterface
  interface Finish {
    Reply reply();
  }

  static Answer of(Reply reply) {
    return new Answer(reply, null);
  }

  static Answer after(Work work) {
    return new Answer(null, work);
  }
}
