/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.helper;

import io.underpass.protocol.Reply;
import java.util.concurrent.Callable;
import java.util.function.Function;

/**
 * What becomes of a request: a reply at once, a reply that takes work which others are not to wait
 * for, or one that somebody else sends.
 *
 * @param reply null if it comes later
 * @param lane of the work; null if there is none
 * @param work null if the reply is here, or somebody else's
 */
record Answer(Reply reply, Turns.Lane lane, Work work) {
  /** Whoever was asked sends it himself. */
  static final Answer OWED = new Answer(null, null, null);

  /** Something that takes its time. */
  interface Work {
    /** Does it, on a thread that serves nobody else meanwhile. */
    void run() throws Exception;

    /**
     * What is left to do on the server's thread.
     *
     * @param failure what {@link #run} threw; null if it did not
     * @return null if nobody waits for it
     */
    Reply reply(Throwable failure);
  }

  /**
   * A question whose answer takes work.
   *
   * @param refusal what is answered where it fails
   */
  static Answer question(
      Turns.Lane lane, Callable<Reply> question, Function<Throwable, Reply> refusal) {
    return after(
        lane,
        new Work() {
          private Reply reply;

          @Override
          public void run() throws Exception {
            reply = question.call();
          }

          @Override
          public Reply reply(Throwable failure) {
            return failure == null ? reply : refusal.apply(failure);
          }
        });
  }

  static Answer of(Reply reply) {
    return new Answer(reply, null, null);
  }

  static Answer after(Turns.Lane lane, Work work) {
    return new Answer(null, lane, work);
  }
}
