/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.agent.hooks;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.FileDescriptor;
import org.junit.jupiter.api.Test;

/**
 * When a socket of which nobody answers is left alone, and when it is not; and which are tended.
 */
class SocketRecordTest {
  private static final int MANY = 100;

  private final SocketRecord record =
      new SocketRecord(new FileDescriptor(), SocketRecord.Kind.SOCKET, SocketRecord.Role.CONNECT);

  @Test
  void questionsAboutAYoungOneCountForNothing() {
    ask();
    assertFalse(record.isMute());
    assertTrue(record.join());
    ask(); // another thread has asked for it, and has no answer yet
    assertFalse(record.isMute());
    record.joined(true);
    assertFalse(record.isMute());
  }

  @Test
  void oneThatHasJoinedIsLeftAloneAfterSome() {
    record.join();
    record.joined(true);
    record.unanswered();
    record.answered();
    assertFalse(record.isMute());
    ask();
    assertTrue(record.isMute());
  }

  @Test
  void oneThatWasRefusedIsLeftAloneUntilItIsAskedForAgain() {
    record.join();
    record.joined(false);
    ask();
    assertTrue(record.isMute());
    record.joinAgain();
    assertFalse(record.isMute());
    ask();
    assertFalse(record.isMute());
    record.joinedAgain(true);
    ask();
    assertTrue(record.isMute());
  }

  /** The answer to the earlier question comes late. */
  @Test
  void aLateRefusalDoesNotUndoALaterQuestion() {
    record.join();
    record.joinAgain();
    record.joinedAgain(true);
    record.joined(false);
    ask();
    record.answered();
    assertFalse(record.isMute());
    assertFalse(record.isYoung());
  }

  @Test
  void onlyOneThatHasJoinedIsTended() {
    assertFalse(record.isTended());
    record.join();
    assertFalse(record.isTended(), "nobody knows it yet");
    record.joined(true);
    assertTrue(record.isTended());
    record.joinAgain();
    assertFalse(record.isTended());
    record.joinedAgain(false);
    assertFalse(record.isTended());
  }

  @Test
  void oneOfWhichTendsAreRefusedIsLeftAloneUntilItIsAskedForAgain() {
    record.join();
    record.joined(true);
    for (int i = 0; i < Tend.MAX_REFUSED; i++) {
      assertTrue(record.isTended());
      record.tend().answered(false);
    }
    assertFalse(record.isTended());
    assertFalse(record.isMute(), "its other questions are asked all the same");
    record.joinAgain();
    record.joinedAgain(true);
    assertTrue(record.isTended());
  }

  private void ask() {
    for (int i = 0; i < MANY; i++) {
      record.unanswered();
    }
  }
}
