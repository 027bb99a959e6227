/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.agent.hooks;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What the thread tells the kernel of a socket that does not read: it joins, and is tended. */
@Timeout(60)
class JoinsTest {
  /** More than some looks of the thread take. */
  private static final long SOME_LOOKS_MILLIS = 150;

  private final SocketTable table = new SocketTable();
  private final SocketCounts counts = new SocketCounts();
  private final AtomicInteger claims = new AtomicInteger();
  private final AtomicInteger tended = new AtomicInteger();
  private RawSocket socket;
  private SocketRecord record;

  @BeforeEach
  void connect() throws Throwable {
    socket = new RawSocket();
    record = socket.addTo(table);
  }

  @AfterEach
  void close() throws Exception {
    socket.close();
  }

  @Test
  void oneThatLastsJoinsAndIsTendedTwice() throws Throwable {
    Joins joins = start(RawSocket.SOL_SOCKET, false);
    added(joins);
    awaitTended(Tend.LOOKS);
    assertTrue(record.isTended());
    assertTrue(socket.takeJoined());
  }

  /** By its reads, or because it was told to. */
  @Test
  void oneThatJoinsAtOnceIsTendedTwiceToo() throws Throwable {
    Joins joins = start(RawSocket.SOL_SOCKET, true);
    added(joins);
    assertTrue(record.isTended());
    awaitTended(Tend.LOOKS);
  }

  @Test
  void afterEachRegistrationAllAre() throws Throwable {
    Joins joins = start(RawSocket.SOL_SOCKET, false);
    for (int i = 1; i <= 3; i++) {
      joins.registered();
      awaitTended(i * Tend.LOOKS);
    }
  }

  /** Nobody answers any more: that is not the refusal that has the helper look. */
  @Test
  void aRefusedTendIsNoRefusedJoin() throws Throwable {
    Joins joins = start(Sockopts.LEVEL, false);
    record.join();
    record.joined(true);
    added(joins);
    awaitTended(Tend.LOOKS);
    assertEquals(0, claims.get());
    assertTrue(record.isTended(), "two refusals are not enough");
  }

  @Test
  void aRefusedJoinIs() throws Throwable {
    Joins joins = start(Sockopts.LEVEL, false);
    added(joins);
    while (claims.get() == 0) {
      Thread.sleep(5);
    }
    assertFalse(record.isTended());
  }

  private Joins start(int level, boolean atOnce) throws Exception {
    Sockopts sockopts = Sockopts.open(level);
    Tends tends =
        new Tends(table, sockopts) {
          @Override
          void tend(SocketRecord socket) throws Throwable {
            super.tend(socket);
            tended.incrementAndGet();
          }
        };
    return Joins.start(table, counts, sockopts, tends, atOnce, claims::incrementAndGet);
  }

  private void added(Joins joins) throws Throwable {
    counts.connected();
    joins.added(record);
  }

  /** So often, and then no more. */
  private void awaitTended(int times) throws InterruptedException {
    while (tended.get() < times) {
      Thread.sleep(1);
    }
    Thread.sleep(SOME_LOOKS_MILLIS);
    assertEquals(times, tended.get());
  }
}
