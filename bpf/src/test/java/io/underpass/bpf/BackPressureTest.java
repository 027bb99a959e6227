/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.bpf;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.underpass.testing.KernelTest;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A reader that never reads holds its sender, as with plain TCP, and loses nothing by it. */
@KernelTest
class BackPressureTest {
  /** Plain TCP holds what fits both buffers; tcp_rmem and tcp_wmem allow 6 MB and 4 MB at most. */
  private static final long BOUND = 16L << 20;

  @ParameterizedTest
  @ValueSource(ints = {1, 100, 1024, 16384, 131072})
  void stalledReaderHoldsTheSenderAndThenGetsEveryByte(int writeSize) throws Exception {
    long plain;
    try (Testbed.Pair pair = Testbed.Pair.open("127.0.0.1")) {
      plain = fill(pair.client(), new Bytes(1), 0, writeSize);
    }
    try (Testbed bed = new Testbed(true);
        Testbed.Pair pair = Testbed.Pair.open("127.0.0.1")) {
      bed.awaitAccelerated(pair);
      Bytes bytes = new Bytes(2);
      long position = prime(pair, bytes);
      long held = fill(pair.client(), bytes, position, writeSize);
      assertTrue(bed.flowOf(pair.client()).tx().redirectedBytes() > 0, "nothing was redirected");
      assertTrue(held > 0 && held < Math.max(BOUND, 2 * plain), held + " bytes held");

      pair.client().configureBlocking(true);
      pair.client().shutdownOutput();
      readAll(pair.server(), bytes, position, position + held);
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void writableFallsAwayAndReturns(boolean accelerated) throws Exception {
    try (Testbed bed = new Testbed(accelerated);
        Testbed.Pair pair = Testbed.Pair.open("127.0.0.1");
        Selector selector = Selector.open()) {
      Bytes bytes = new Bytes(3);
      long position = 0;
      if (accelerated) {
        bed.awaitAccelerated(pair);
        position = prime(pair, bytes);
      }
      long held = fill(pair.client(), bytes, position, 4096);
      pair.client().configureBlocking(false);
      pair.client().register(selector, SelectionKey.OP_WRITE);
      assertEquals(0, selector.selectNow(), "writable though full");
      pair.client().keyFor(selector).cancel();
      selector.selectNow();
      pair.client().configureBlocking(true);
      readSome(pair.server(), bytes, position, held);
      pair.client().configureBlocking(false);
      pair.client().register(selector, SelectionKey.OP_WRITE);
      assertEquals(1, selector.select(10_000), "not writable though empty");
    }
  }

  /** A first byte each way by TCP, read: from then on the directions may be redirected. */
  private static long prime(Testbed.Pair pair, Bytes bytes) throws IOException {
    ByteBuffer one = ByteBuffer.wrap(new byte[] {bytes.at(0)});
    pair.client().write(one);
    pair.server().read(one.clear());
    return 1;
  }

  /** Writes without blocking until nothing has been taken for a while; returns how much was. */
  private static long fill(SocketChannel to, Bytes bytes, long from, int writeSize)
      throws Exception {
    to.configureBlocking(false);
    byte[] block = new byte[writeSize];
    long position = from;
    for (int refusals = 0; refusals < 20; ) {
      bytes.fill(block, writeSize, position);
      int n = to.write(ByteBuffer.wrap(block));
      position += n;
      refusals = n == 0 ? refusals + 1 : 0;
      if (n == 0) {
        Thread.sleep(10);
      }
      if (position - from > 4 * BOUND) {
        throw new AssertionError("the sender is never held");
      }
    }
    return position - from;
  }

  private static void readAll(SocketChannel from, Bytes bytes, long position, long end)
      throws IOException {
    readSome(from, bytes, position, end - position);
    assertEquals(-1, from.read(ByteBuffer.allocate(1)), "bytes after the last");
  }

  private static void readSome(SocketChannel from, Bytes bytes, long position, long count)
      throws IOException {
    ByteBuffer block = ByteBuffer.allocate(65536);
    long at = position;
    while (at < position + count) {
      block.clear();
      int n = from.read(block);
      assertTrue(n > 0, "end of stream at " + at);
      assertEquals(-1, bytes.firstWrong(block.array(), n, at), "wrong byte after " + at);
      at += n;
    }
  }
}
