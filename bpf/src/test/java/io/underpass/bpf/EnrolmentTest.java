/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.bpf;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.underpass.Reason;
import io.underpass.protocol.FlowView;
import io.underpass.protocol.Totals;
import io.underpass.testing.KernelTest;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.util.function.Predicate;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Which flows are enrolled, which are not and why, and that every byte and message is counted. */
@KernelTest
class EnrolmentTest {
  private static final int SIZE = 1000;

  @ParameterizedTest
  @ValueSource(strings = {"127.0.0.1", "::1"})
  void requestsAndResponsesAreAcceleratedAndCountedExactly(String address) throws Exception {
    try (Testbed bed = new Testbed(false);
        Testbed.Pair pair = Testbed.Pair.open(address)) {
      exchange(pair, 20);
      bed.awaitAccelerated(pair);
      exchange(pair, 2); // by TCP, until each reader has been seen to read
      FlowView before = bed.flowOf(pair.client());
      Totals sum = bed.totals();
      exchange(pair, 100);
      FlowView after = bed.flowOf(pair.client());
      assertEquals(
          100, after.tx().redirectedMessages() - before.tx().redirectedMessages(), after::toString);
      assertEquals(100L * SIZE, after.tx().redirectedBytes() - before.tx().redirectedBytes());
      assertEquals(100L * SIZE, after.rx().redirectedBytes() - before.rx().redirectedBytes());
      assertEquals(before.tcpBytesSent(), after.tcpBytesSent(), "nothing goes by TCP any more");
      Totals then = bed.totals();
      assertEquals(200L * SIZE, then.bytesRedirected() - sum.bytesRedirected());
      assertEquals(200, then.messagesRedirected() - sum.messagesRedirected());
      assertEquals(2, then.connectionsAccelerated());
      assertEquals(Reason.NONE, after.reason());
    }
  }

  @Test
  void aConnectionOlderThanTheRegistrationIsEnrolled() throws Exception {
    try (Testbed.Pair pair = Testbed.Pair.open("127.0.0.1")) {
      exchange(pair, 50);
      try (Testbed bed = new Testbed(true)) {
        bed.awaitAccelerated(pair);
        exchange(pair, 50);
        assertTrue(bed.flowOf(pair.client()).tx().redirectedMessages() > 40);
        assertTrue(bed.flowOf(pair.server()).tx().redirectedMessages() > 40);
      }
      exchange(pair, 50); // by TCP again
    }
  }

  @Test
  void aStreamOfSmallWritesIsTriedAndLeftAlone() throws Exception {
    try (Testbed bed = new Testbed(false);
        Testbed.Pair pair = Testbed.Pair.open("127.0.0.1")) {
      pair.client().setOption(StandardSocketOptions.TCP_NODELAY, true);
      FlowView flow = stream(bed, pair, 100, f -> f.reason() == Reason.ONE_WAY);
      assertTrue(flow.tx().redirectedMessages() > 0, flow::toString);
      bed.await(pair.client(), f -> f.reason() == Reason.ONE_WAY && !f.accelerated());
      bed.await(pair.server(), f -> f.reason() == Reason.ONE_WAY && !f.accelerated());
      assertEquals(2, bed.totals().plain().get(Reason.ONE_WAY)); // each end counts itself
    }
  }

  @Test
  void aStreamOfLargeWritesIsTakenUpAndStays() throws Exception {
    try (Testbed bed = new Testbed(false);
        Testbed.Pair pair = Testbed.Pair.open("127.0.0.1")) {
      stream(bed, pair, 100_000, f -> f.tx().redirectedMessages() > 2_000);
      assertTrue(bed.flowOf(pair.client()).accelerated());
    }
  }

  @Test
  void aStreamThatBecomesRequestsAndResponsesIsTakenUpAgain() throws Exception {
    try (Testbed bed = new Testbed(false);
        Testbed.Pair pair = Testbed.Pair.open("127.0.0.1")) {
      pair.client().setOption(StandardSocketOptions.TCP_NODELAY, true);
      stream(bed, pair, 100, f -> f.reason() == Reason.ONE_WAY && !f.accelerated());
      bed.await(pair.server(), f -> f.reason() == Reason.ONE_WAY && !f.accelerated());
      exchange(pair, 1000);
      bed.awaitAccelerated(pair);
      exchange(pair, 100);
      assertTrue(bed.flowOf(pair.server()).tx().redirectedMessages() > 50);
    }
  }

  /** Sends one way, and reads, until the flow is as wanted. */
  private static FlowView stream(
      Testbed bed, Testbed.Pair pair, int size, Predicate<FlowView> wanted) throws Exception {
    for (int i = 0; i < 100; i++) {
      for (int k = 0; k < 200; k++) {
        send(pair.client(), pair.server(), size);
      }
      pair.join(); // tends it, as an agent does
      bed.helper.sweep();
      FlowView flow = bed.flowOf(pair.client());
      if (wanted.test(flow)) {
        return flow;
      }
    }
    throw new AssertionError("still not as wanted: " + bed.flowOf(pair.client()));
  }

  @Test
  void anAcceleratedFlowThatTurnsIntoAStreamOfSmallWritesIsTakenOff() throws Exception {
    try (Testbed bed = new Testbed(false);
        Testbed.Pair pair = Testbed.Pair.open("127.0.0.1")) {
      exchange(pair, 100);
      bed.awaitAccelerated(pair);
      pair.join(); // tends it, as an agent does
      exchange(pair, 2000);
      bed.helper.sweep();
      assertTrue(bed.flowOf(pair.client()).accelerated(), "requests and responses stay");
      // No sweep of ours here: the verdict itself has to call the helper.
      for (int i = 0; i < 100_000 && bed.flowOf(pair.client()).accelerated(); i += 1000) {
        for (int k = 0; k < 1000; k++) {
          send(pair.client(), pair.server(), SIZE);
        }
      }
      bed.await(pair.client(), f -> f.reason() == Reason.ONE_WAY && !f.accelerated());
      bed.await(pair.server(), f -> f.reason() == Reason.ONE_WAY && !f.accelerated());
      exchange(pair, 100);
    }
  }

  @Test
  void aConnectionToAProcessThatIsNotRegisteredRunsPlain() throws Exception {
    Process peer = Testbed.java(EchoServer.class);
    try (Testbed bed = new Testbed(true)) {
      int port = Integer.parseInt(peer.inputReader().readLine());
      try (SocketChannel channel =
          Joining.join(SocketChannel.open(new InetSocketAddress("127.0.0.1", port)))) {
        for (int i = 0; i < 50; i++) {
          echo(channel);
        }
        FlowView flow = bed.await(channel, f -> f.reason() == Reason.NO_PEER);
        assertFalse(flow.accelerated());
        assertEquals(1, bed.totals().plain().get(Reason.NO_PEER));
        echo(channel);
        assertEquals(0, bed.totals().bytesRedirected());
      }
    } finally {
      peer.destroyForcibly().waitFor();
    }
  }

  /** The end that connected asks at once, and has given up when the other one is accepted. */
  @Test
  void aConnectionThatWaitedLongToBeAcceptedIsAccelerated() throws Exception {
    try (Testbed bed = new Testbed(true);
        ServerSocketChannel listener = ServerSocketChannel.open()) {
      listener.bind(new InetSocketAddress("127.0.0.1", 0));
      try (SocketChannel client = SocketChannel.open(listener.getLocalAddress())) {
        Joining.join(client);
        bed.await(client, f -> f.reason() == Reason.NO_PEER);
        try (SocketChannel server = listener.accept()) {
          Testbed.Pair pair = new Testbed.Pair(client, server).join();
          bed.awaitAccelerated(pair);
          exchange(pair, 10);
          assertTrue(bed.totals().bytesRedirected() > 0);
        }
      }
    }
  }

  @Test
  void aSocketThatIsConnectedToItselfRunsPlain() throws Exception {
    try (Testbed bed = new Testbed(true);
        SocketChannel self = SocketChannel.open()) {
      self.bind(new InetSocketAddress("127.0.0.1", 0));
      self.connect(self.getLocalAddress());
      Joining.join(self);
      for (int i = 0; i < 50; i++) {
        echo(self);
        bed.helper.sweep();
      }
      assertEquals(0, bed.totals().bytesRedirected());
    }
  }

  @Test
  void aSecondOwnerOfTheSocketsSlotIsRefusedWithThatReason() throws Exception {
    try (Testbed first = new Testbed(true);
        Testbed.Pair pair = Testbed.Pair.open("127.0.0.1")) {
      first.awaitAccelerated(pair);
      try (Testbed second = new Testbed(true)) {
        second.await(pair.client(), f -> f.reason() == Reason.SOCKMAP_BUSY);
        second.await(pair.server(), f -> f.reason() == Reason.SOCKMAP_BUSY);
        exchange(pair, 50);
        assertEquals(0, second.totals().bytesRedirected());
        assertEquals(2, second.totals().plain().get(Reason.SOCKMAP_BUSY));
      }
      assertTrue(first.totals().bytesRedirected() > 0);
    }
  }

  /** An echo server, as a process that nobody registered. */
  static final class EchoServer {
    private EchoServer() {}

    public static void main(String[] args) throws IOException {
      try (ServerSocketChannel listener = ServerSocketChannel.open()) {
        listener.bind(new InetSocketAddress("127.0.0.1", 0));
        System.out.println(listener.socket().getLocalPort());
        try (SocketChannel channel = listener.accept()) {
          ByteBuffer block = ByteBuffer.allocate(SIZE);
          while (channel.read(block.clear()) >= 0) {
            write(channel, block.flip());
          }
        }
      }
    }
  }

  static void exchange(Testbed.Pair pair, int times) throws IOException {
    for (int i = 0; i < times; i++) {
      send(pair.client(), pair.server(), SIZE);
      send(pair.server(), pair.client(), SIZE);
    }
  }

  /** Sends a message to oneself by way of a peer that echoes. */
  private static void echo(SocketChannel channel) throws IOException {
    send(channel, channel, SIZE);
  }

  static void send(SocketChannel from, SocketChannel to, int size) throws IOException {
    byte[] sent = new byte[size];
    new Bytes(size).fill(sent, size, 0);
    write(from, ByteBuffer.wrap(sent));
    ByteBuffer got = ByteBuffer.allocate(size);
    while (got.hasRemaining()) {
      assertTrue(to.read(got) > 0, "end of stream");
    }
    assertEquals(ByteBuffer.wrap(sent), got.flip());
  }

  private static void write(SocketChannel to, ByteBuffer bytes) throws IOException {
    while (bytes.hasRemaining()) {
      to.write(bytes);
    }
  }
}
