package io.underpass.agent.hooks;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.FileDescriptor;
import org.junit.jupiter.api.Test;

/** When a socket of which nobody answers is left alone, and when it is not. */
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

  private void ask() {
    for (int i = 0; i < MANY; i++) {
      record.unanswered();
    }
  }
}
