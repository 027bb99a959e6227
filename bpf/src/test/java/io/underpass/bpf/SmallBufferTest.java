/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.bpf;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.underpass.ffm.ChannelCalls;
import io.underpass.protocol.FlowView;
import io.underpass.testing.KernelTest;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Long writes to a receive buffer that its program has made small. They find no room there, so TCP
 * carries them; and it may not have to wait with them for a window, since that it does by timers
 * alone (200 ms and more each time).
 */
@KernelTest
@Timeout(60)
class SmallBufferTest {
  private static final int WRITES = 20;
  private static final int SIZE = 100_000;
  private static final int SEND_BUFFER = 1 << 20;

  private static final int TCP_INFO = 11;
  private static final int INFO_SIZE = 160;
  private static final int UNACKED = 24; // tcpi_unacked
  private static final int DATA_SEGS_OUT = 156; // tcpi_data_segs_out

  /**
   * To a reader that has read all, a segment goes out in the call of {@code write} itself. Plain
   * TCP shows that first, and the largest window by which the sender's segments are made.
   */
  @ParameterizedTest
  @ValueSource(ints = {8_192, 16_384, 32_768})
  void longWriteDoesNotWaitForAWindow(int buffer) throws Exception {
    try (Testbed.Pair pair = open(buffer)) {
      writeAndRead(pair, "by plain TCP");
      try (Testbed bed = new Testbed(true)) {
        EnrolmentTest.exchange(pair, 3); // by which TCP takes its segments for small ones
        bed.awaitAccelerated(pair);
        bed.helper.sweep(); // both get what room there is
        EnrolmentTest.exchange(pair, 3);
        writeAndRead(pair, "while it is enrolled");
        FlowView flow = bed.flowOf(pair.client());
        assertTrue(flow.accelerated(), flow::toString);
        assertTrue(flow.tx().passedBytes() >= (long) WRITES * SIZE / 2, flow::toString);
      }
    }
  }

  private static void writeAndRead(Testbed.Pair pair, String how) throws Exception {
    Bytes bytes = new Bytes(5);
    byte[] block = new byte[SIZE];
    pair.client().configureBlocking(false);
    for (int i = 0; i < WRITES; i++) {
      long position = (long) i * SIZE;
      awaitAcknowledged(pair.client());
      int before = info(pair.client()).getInt(DATA_SEGS_OUT);
      bytes.fill(block, SIZE, position);
      assertEquals(SIZE, pair.client().write(ByteBuffer.wrap(block)));
      int after = info(pair.client()).getInt(DATA_SEGS_OUT);
      assertTrue(after > before, "write " + i + " " + how + " waits, though all was read");
      readAll(pair.server(), bytes, position);
    }
    pair.client().configureBlocking(true);
  }

  private static Testbed.Pair open(int buffer) throws IOException {
    try (ServerSocketChannel listener = ServerSocketChannel.open()) {
      listener.setOption(StandardSocketOptions.SO_RCVBUF, buffer);
      listener.bind(new InetSocketAddress("127.0.0.1", 0));
      SocketChannel client = SocketChannel.open();
      client.setOption(StandardSocketOptions.SO_SNDBUF, SEND_BUFFER);
      client.setOption(StandardSocketOptions.TCP_NODELAY, true);
      client.connect(listener.getLocalAddress());
      return new Testbed.Pair(client, listener.accept());
    }
  }

  /** The last acknowledgement may be late, and the window comes with it. */
  private static void awaitAcknowledged(SocketChannel sender) throws Exception {
    long end = System.nanoTime() + Testbed.PATIENCE.toNanos();
    while (info(sender).getInt(UNACKED) > 0) {
      assertTrue(System.nanoTime() < end, "never acknowledged");
      Thread.sleep(1);
    }
  }

  private static ByteBuffer info(SocketChannel channel) throws IOException {
    return ChannelCalls.getOption(
        ChannelCalls.descriptor(channel), ChannelCalls.SOL_TCP, TCP_INFO, INFO_SIZE);
  }

  private static void readAll(SocketChannel from, Bytes bytes, long position) throws IOException {
    ByteBuffer in = ByteBuffer.allocate(SIZE);
    while (in.hasRemaining()) {
      assertTrue(from.read(in) > 0, "end of stream");
    }
    assertEquals(-1, bytes.firstWrong(in.array(), SIZE, position), () -> "after " + position);
  }
}
