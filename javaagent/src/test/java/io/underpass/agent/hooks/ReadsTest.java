/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.agent.hooks;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Which reads of a socket join, and which tend it; the kernel is asked, and answers each time. */
class ReadsTest {
  /** The first read after those that rest. */
  private static final int JOINS = SocketRecord.YOUNG_READS;

  private static final List<Integer> TENDS = tends();

  private final SocketTable table = new SocketTable();
  private final WaitCounts spins = new WaitCounts();
  private RawSocket socket;

  @BeforeEach
  void connect() throws Throwable {
    socket = new RawSocket();
    socket.addTo(table);
  }

  @AfterEach
  void close() throws Exception {
    socket.close();
  }

  @Test
  void thoseThatDoNotBlockTendByTheSchedule() throws Throwable {
    assertEquals(TENDS, told(reads(RawSocket.SOL_SOCKET, true), false));
  }

  @Test
  void thoseThatBlockDoToo() throws Throwable {
    assertEquals(TENDS, told(reads(RawSocket.SOL_SOCKET, true), true));
  }

  @Test
  void thoseThatMayNotSpinDoToo() throws Throwable {
    assertEquals(TENDS, told(reads(RawSocket.SOL_SOCKET, false), true));
  }

  /** Nobody answers. */
  @Test
  void oneThatWasRefusedIsNotTended() throws Throwable {
    SocketRecord record = table.get(socket.number(), socket.fd());
    assertEquals(List.of(), told(reads(Sockopts.LEVEL, true), false));
    assertFalse(record.isYoung());
    assertFalse(record.isTended());
  }

  private Reads reads(int level, boolean spin) throws Exception {
    Sockopts sockopts = Sockopts.open(level);
    Tends tends = new Tends(table, sockopts);
    Joins joins = Joins.start(table, new SocketCounts(), sockopts, tends, false, () -> {});
    return new Reads(table, joins, tends, spin ? Spins.open(sockopts, spins) : null);
  }

  /** Of some thousand reads, counted from 0, those at which the kernel was told. */
  private List<Integer> told(Reads reads, boolean blocks) throws Throwable {
    List<Integer> told = new ArrayList<>();
    for (int read = 0; read < 5_000; read++) {
      reads.before(socket.fd(), blocks);
      if (socket.takeJoined()) {
        told.add(read);
      }
    }
    return told;
  }

  private static List<Integer> tends() {
    List<Integer> at = new ArrayList<>(List.of(JOINS));
    int pause = Tend.FIRST_READS;
    for (int read = JOINS + pause; read < 5_000; read += pause) {
      at.add(read);
      pause *= 2;
    }
    return at;
  }
}
