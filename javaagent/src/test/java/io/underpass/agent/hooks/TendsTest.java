/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.agent.hooks;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.underpass.agent.report.ErrorLog;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What is given back where there is no helper any more, and of which sockets. */
class TendsTest {
  /** As the kernel's part would have it. */
  private static final int LOWERED = 20_000;

  private final SocketTable table = new SocketTable();
  private RawSocket socket;
  private SocketRecord record;

  @BeforeEach
  void connect() throws Throwable {
    socket = new RawSocket();
    record = socket.addTo(table);
    record.join();
    record.joined(true);
    socket.windowClamp(LOWERED);
    assertEquals(LOWERED, socket.windowClamp());
  }

  @AfterEach
  void close() throws Exception {
    socket.close();
  }

  @Test
  void oneThatWasTendedWhileItWasEnrolledHasItsWindowBackWhenNobodyAnswers() throws Throwable {
    answering().tend(record);
    assertTrue(socket.takeJoined());
    assertTrue(record.tend().mayHaveRoom());
    silent().giveBackRoom();
    assertTrue(socket.windowClamp() > socket.receiveBuffer(), "it is no bound any more");
    assertFalse(record.tend().mayHaveRoom());
    socket.windowClamp(LOWERED);
    silent().giveBackRoom();
    assertEquals(LOWERED, socket.windowClamp(), "once is enough");
  }

  @Test
  void oneThatIsEnrolledYetKeepsItsRoom() throws Throwable {
    answering().tend(record);
    answering().giveBackRoom();
    assertEquals(LOWERED, socket.windowClamp());
    assertTrue(record.tend().mayHaveRoom());
  }

  @Test
  void oneThatWasNeverTendedIsNotTouched() throws Throwable {
    silent().giveBackRoom();
    assertEquals(LOWERED, socket.windowClamp());
  }

  @Test
  void aRefusedTendIsCountedAndGivesNoRoom() throws Throwable {
    for (int i = 0; i < Tend.MAX_REFUSED; i++) {
      assertTrue(record.isTended());
      silent().tend(record);
    }
    assertFalse(record.isTended());
    assertFalse(record.tend().mayHaveRoom());
  }

  @Test
  void oneThatHasBeenClosedIsNoError() throws Throwable {
    answering().tend(record);
    socket.close();
    long before = ErrorLog.AGENT.count();
    silent().tend(record);
    silent().giveBackRoom();
    assertEquals(before, ErrorLog.AGENT.count());
  }

  private Tends answering() throws Exception {
    return new Tends(table, Sockopts.open(RawSocket.SOL_SOCKET));
  }

  private Tends silent() throws Exception {
    return new Tends(table, Sockopts.open(Sockopts.LEVEL));
  }
}
