/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.protocol;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.underpass.Reason;
import java.io.EOFException;
import java.io.IOException;
import java.net.SocketTimeoutException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class HelperClientTest {
  private static final Duration LONG = Duration.ofSeconds(30);
  private static final Duration SHORT = Duration.ofMillis(50);

  @TempDir Path folder;
  private Path socket;
  private ServerSocketChannel server;

  @BeforeEach
  void listen() throws IOException {
    socket = folder.resolve("s");
    server = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
    server.bind(UnixDomainSocketAddress.of(socket));
  }

  @AfterEach
  void stop() throws IOException {
    server.close();
  }

  @Test
  void requestsGetTheirRepliesInOrder() throws Exception {
    Totals totals = new Totals(1, 2, 3, 4, 5, 6, Map.of(Reason.ONE_WAY, 2L));
    try (HelperClient client = HelperClient.connect(socket, LONG);
        SocketChannel peer = server.accept()) {
      Thread helper =
          Thread.startVirtualThread(
              () -> {
                answer(peer, Reply.ok(Map.of("id", "7", "level", "30064")).toBytes());
                answer(peer, Reply.ok(totals.toWire()).toBytes());
              });
      assertEquals(7, client.register("auto").number("id"));
      assertEquals(totals, client.totals());
      helper.join();
    }
  }

  @Test
  void aReplyMayComeByteByByte() throws Exception {
    byte[] reply = Reply.ok(Totals.ZERO.toWire()).toBytes();
    try (HelperClient client = HelperClient.connect(socket, LONG);
        SocketChannel peer = server.accept()) {
      Thread.startVirtualThread(
          () -> {
            byte[] one = new byte[1];
            answer(peer, one, 0);
            for (byte b : reply) {
              one[0] = b;
              answer(peer, one, 1);
            }
          });
      assertEquals(Totals.ZERO, client.totals());
    }
  }

  @Test
  void aRefusalIsThrownWithItsCode() throws Exception {
    try (HelperClient client = HelperClient.connect(socket, LONG);
        SocketChannel peer = server.accept()) {
      Thread.startVirtualThread(
          () -> answer(peer, Reply.error(ErrorCode.DENIED, "not you").toBytes()));
      WireException e = assertThrows(WireException.class, () -> client.register("on"));
      assertEquals(ErrorCode.DENIED, e.code());
      assertEquals("not you", e.getMessage());
    }
  }

  @Test
  void silenceEndsInATimeoutAndClosesTheConnection() throws Exception {
    try (HelperClient client = HelperClient.connect(socket, SHORT);
        SocketChannel peer = server.accept()) {
      assertTrue(peer.isOpen());
      assertThrows(SocketTimeoutException.class, client::totals);
      assertFalse(client.isOpen());
      assertThrows(IOException.class, client::totals);
    }
  }

  @Test
  void theEndOfTheHelperIsNoReply() throws Exception {
    try (HelperClient client = HelperClient.connect(socket, LONG)) {
      server.accept().close();
      IOException e = assertThrows(IOException.class, client::totals);
      // Which of the two depends on whether the request was written before the end came.
      assertTrue(
          e instanceof EOFException || e.getMessage().contains("pipe") || isReset(e), e::toString);
    }
  }

  @Test
  void aReplyWithoutLineEndIsCutOff() throws Exception {
    try (HelperClient client = HelperClient.connect(socket, LONG);
        SocketChannel peer = server.accept()) {
      Thread.startVirtualThread(() -> answer(peer, new byte[] {'O', 'K', ' ', 0}));
      WireException e = assertThrows(WireException.class, client::totals);
      assertEquals(ErrorCode.MALFORMED, e.code());
      assertFalse(client.isOpen());
    }
  }

  @Test
  void nobodyListeningIsAnException() throws Exception {
    server.close();
    assertThrows(IOException.class, () -> HelperClient.connect(socket, LONG));
    assertThrows(
        IOException.class, () -> HelperClient.connect(folder.resolve("no-such-socket"), LONG));
    assertThrows(
        IOException.class, () -> HelperClient.connect(folder.resolve("x".repeat(200)), LONG));
  }

  @Test
  void aLookAtTheConnectionSeesItsEndAndTakesNoReply() throws Exception {
    try (HelperClient client = HelperClient.connect(socket, LONG)) {
      SocketChannel peer = server.accept();
      Thread looking =
          Thread.startVirtualThread(
              () -> {
                while (client.isOpen()) {
                  LockSupport.parkNanos(100_000);
                }
              });
      for (int i = 0; i < 200; i++) {
        Thread.startVirtualThread(() -> answer(peer, Reply.ok(Totals.ZERO.toWire()).toBytes()));
        assertEquals(Totals.ZERO, client.totals());
      }
      assertTrue(client.isOpen());
      peer.close();
      client.awaitEnd();
      looking.join();
      assertFalse(client.isOpen());
    }
  }

  @Test
  void aByteThatNobodyAskedForEndsTheConnection() throws Exception {
    try (HelperClient client = HelperClient.connect(socket, LONG);
        SocketChannel peer = server.accept()) {
      assertTrue(client.isOpen());
      peer.write(ByteBuffer.wrap(new byte[] {'O'}));
      assertFalse(client.isOpen());
    }
  }

  @Test
  void moreThanOneReplyToARequestEndsTheConnection() throws Exception {
    byte[] reply =
        (new String(Reply.ok(Map.of()).toBytes(), StandardCharsets.US_ASCII) + "OK\n")
            .getBytes(StandardCharsets.US_ASCII);
    try (HelperClient client = HelperClient.connect(socket, LONG);
        SocketChannel peer = server.accept()) {
      Thread.startVirtualThread(() -> answer(peer, reply));
      assertThrows(WireException.class, client::claim);
      assertFalse(client.isOpen());
    }
  }

  @Test
  void aHelperThatDoesNotPassTheCheckIsToldNothing() throws Exception {
    IOException stranger = new IOException("a stranger's");
    HelperClient.Check check =
        channel -> {
          assertTrue(channel.isConnected());
          throw stranger;
        };
    assertSame(
        stranger, assertThrows(IOException.class, () -> HelperClient.connect(socket, LONG, check)));
    try (SocketChannel peer = server.accept()) {
      assertEquals(-1, peer.read(ByteBuffer.allocate(1)));
    }
  }

  @Test
  void aCheckThatHangsEndsInATimeout() {
    CountDownLatch over = new CountDownLatch(1);
    HelperClient.Check check =
        _ -> {
          try {
            over.await();
          } catch (InterruptedException e) {
            throw new AssertionError(e);
          }
        };
    assertThrows(SocketTimeoutException.class, () -> HelperClient.connect(socket, SHORT, check));
    over.countDown();
  }

  @Test
  void closingIsSeenAtTheOtherEnd() throws Exception {
    HelperClient client = HelperClient.connect(socket, LONG);
    try (SocketChannel peer = server.accept()) {
      client.close();
      assertFalse(client.isOpen());
      assertEquals(-1, peer.read(ByteBuffer.allocate(1)));
    }
  }

  @Test
  void anInterruptedCallerGetsItsReplyAndKeepsItsInterrupt() throws Exception {
    try (HelperClient client = HelperClient.connect(socket, LONG);
        SocketChannel peer = server.accept()) {
      Thread.startVirtualThread(() -> answer(peer, Reply.ok(Totals.ZERO.toWire()).toBytes()));
      Thread.currentThread().interrupt();
      assertEquals(Totals.ZERO, client.totals());
      assertTrue(Thread.interrupted());
      assertTrue(client.isOpen());
    }
  }

  private static boolean isReset(IOException e) {
    return e.getMessage().contains("reset");
  }

  private static void answer(SocketChannel peer, byte[] reply) {
    answer(peer, reply, reply.length);
  }

  /** Reads one request if the buffer is fresh, and sends the bytes. */
  private static void answer(SocketChannel peer, byte[] reply, int count) {
    try {
      if (count != 1) {
        LineBuffer lines = new LineBuffer(Wire.MAX_REQUEST);
        ByteBuffer one = ByteBuffer.allocate(1);
        String line = null;
        while (line == null && peer.read(one.clear()) > 0) {
          line = lines.next(one.flip());
        }
        Request.parse(line);
      }
      Channels.newOutputStream(peer).write(reply, 0, count);
    } catch (IOException e) {
      throw new AssertionError(new String(reply, StandardCharsets.US_ASCII), e);
    }
  }
}
