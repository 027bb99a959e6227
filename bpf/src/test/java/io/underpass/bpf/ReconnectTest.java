/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.bpf;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.underpass.Reason;
import io.underpass.ffm.ChannelCalls;
import io.underpass.protocol.FlowView;
import io.underpass.protocol.HelperClient;
import io.underpass.testing.KernelTest;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A socket that has been enrolled before: as another connection, or once more. */
@KernelTest
@Timeout(60)
class ReconnectTest {
  /** connect(AF_UNSPEC) leaves the socket its cookie, its psock and its place in the sockhashes. */
  @Test
  void whatIsSentOnASocketsNextConnectionDoesNotReachTheFormerPeer() throws Exception {
    try (Testbed bed = new Testbed(true);
        Testbed.Pair former = Testbed.Pair.open("127.0.0.1");
        ServerSocketChannel listener = ServerSocketChannel.open()) {
      listener.bind(new InetSocketAddress("127.0.0.1", 0));
      bed.awaitAccelerated(former);
      EnrolmentTest.exchange(former, 10);
      long redirected = bed.totals().bytesRedirected();
      assertTrue(redirected > 0);

      int fd = ChannelCalls.descriptor(former.client());
      ChannelCalls.disconnect(fd);
      ChannelCalls.connectLoopback(fd, listener.socket().getLocalPort());
      try (SocketChannel server = listener.accept()) {
        Testbed.Pair next = new Testbed.Pair(former.client(), server).join();
        for (int i = 0; i < 20; i++) {
          EnrolmentTest.exchange(next, 20);
          bed.helper.sweep();
        }
        former.server().configureBlocking(false);
        assertNothingArrived(former.server());
      }
    }
  }

  private static void assertNothingArrived(SocketChannel former) {
    try {
      assertEquals(-1, former.read(ByteBuffer.allocate(1)), "bytes of another connection");
    } catch (IOException reset) {
      assertEquals("Connection reset", reset.getMessage());
    }
  }

  /** A reader that sleeps in recv keeps the psock of the former enrolment. */
  @Test
  void aSocketWhoseFormerReaderIsStillBlockedIsEnrolledLater() throws Exception {
    try (Testbed bed = new Testbed(true);
        Testbed.Pair pair = Testbed.Pair.open("127.0.0.1")) {
      bed.awaitAccelerated(pair);
      EnrolmentTest.exchange(pair, 10);
      CompletableFuture<String> read = readInSleep(pair.server());
      try (HelperClient again = registerAgain(bed)) {
        bed.helper.sweep(); // finds the former psock
        bed.helper.sweep();
        pair.client().write(StandardCharsets.US_ASCII.encode("wake"));
        assertEquals("wake", read.get(20, TimeUnit.SECONDS));
        assertIsTakenUp(again, pair);
      }
    }
  }

  /**
   * An idle connection, whose reader sleeps for as long as it is idle. Longer than anybody is
   * waited for (no_peer_ns): what is decided in that time, and the other end's part, must not last.
   */
  @Test
  void aSocketWhoseFormerReaderSleepsForLongIsUndecidedMeanwhileAndEnrolledThen() throws Exception {
    try (Testbed bed = new Testbed(true);
        Testbed.Pair pair = Testbed.Pair.open("127.0.0.1")) {
      bed.awaitAccelerated(pair);
      EnrolmentTest.exchange(pair, 10);
      CompletableFuture<String> read = readInSleep(pair.server());
      try (HelperClient again = registerAgain(bed)) {
        long passed = flowOf(again, pair.client()).tx().passedMessages();
        long end = System.nanoTime() + 3_500_000_000L;
        while (System.nanoTime() < end) {
          bed.helper.sweep();
          assertUndecided(flowOf(again, pair.server()));
          assertUndecided(flowOf(again, pair.client()));
          Thread.sleep(5);
        }
        assertEquals(Map.of(), again.totals().plain());
        pair.client().write(StandardCharsets.US_ASCII.encode("wake"));
        assertEquals("wake", read.get(20, TimeUnit.SECONDS));
        assertEquals(
            passed,
            flowOf(again, pair.client()).tx().passedMessages(),
            "enrolled, while the other end could not be: slower than plain");
        assertIsTakenUp(again, pair);
      }
    }
  }

  private static void assertUndecided(FlowView flow) {
    assertEquals(Reason.UNDECIDED, flow.reason(), flow::toString);
    assertFalse(flow.accelerated(), flow::toString);
  }

  private static FlowView flowOf(HelperClient client, SocketChannel channel) throws Exception {
    return Testbed.await(client, channel, _ -> true);
  }

  /** What the next read of a thread returns, which sleeps in it. */
  static CompletableFuture<String> readInSleep(SocketChannel from) throws Exception {
    CompletableFuture<String> read = new CompletableFuture<>();
    Thread reader =
        Thread.ofPlatform()
            .start(
                () -> {
                  ByteBuffer in = ByteBuffer.allocate(10);
                  try {
                    from.read(in);
                    read.complete(StandardCharsets.US_ASCII.decode(in.flip()).toString());
                  } catch (IOException e) {
                    read.completeExceptionally(e);
                  }
                });
    awaitSleep(reader);
    return read;
  }

  /** What is unread keeps it from being taken off until long after its process is back. */
  @Test
  void aFlowThatIsStillLeavingWhenItsProcessRegistersAgainIsTakenUpAgain() throws Exception {
    try (Testbed bed = new Testbed(true);
        Testbed.Pair pair = Testbed.Pair.open("127.0.0.1")) {
      bed.awaitAccelerated(pair);
      EnrolmentTest.exchange(pair, 10);
      pair.client().write(StandardCharsets.US_ASCII.encode("left"));
      try (HelperClient again = registerAgain(bed)) {
        bed.helper.sweep();
        ByteBuffer in = ByteBuffer.allocate(10);
        pair.server().read(in);
        assertEquals("left", StandardCharsets.US_ASCII.decode(in.flip()).toString());
        assertIsTakenUp(again, pair);
      }
    }
  }

  /** This JVM's registration ends; and when the helper has seen that, there is another one. */
  private static HelperClient registerAgain(Testbed bed) throws Exception {
    bed.client.close();
    while (bed.helper.status().registrations() > 0) {
      Thread.sleep(1);
    }
    return Streams.register(bed.helper.socket());
  }

  private static void assertIsTakenUp(HelperClient client, Testbed.Pair pair) throws Exception {
    Testbed.await(client, pair.server(), FlowView::accelerated);
    Testbed.await(client, pair.client(), FlowView::accelerated);
    EnrolmentTest.exchange(pair, 10);
  }

  /** It is in a system call: its stack ends in native code, twice in a row. */
  static void awaitSleep(Thread reader) throws InterruptedException {
    for (int i = 0; i < 2; ) {
      StackTraceElement[] stack = reader.getStackTrace();
      i = stack.length > 0 && stack[0].isNativeMethod() ? i + 1 : 0;
      Thread.sleep(20);
    }
  }
}
