/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.bpf;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.underpass.protocol.FlowView;
import io.underpass.testing.KernelTest;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * A thousand readers that do not read, and some with large buffers: their senders are held, and the
 * kernel's memory is not filled. What TCP itself holds in the second case is up to {@code
 * tcp_wmem}; with its default of 4 MB, the room for redirects is less than that.
 */
@KernelTest
@Timeout(180)
class StalledReadersTest {
  private static final long PAGE = 4096;

  /** What a buffer that TCP tunes has for redirects: {@code room} in bpf/maps.bpf.h. */
  private static final long ROOM = 1_835_008;

  /** Writers that are blocked, each in a thread of its own. */
  private static final int BLOCKED = 1000;

  /**
   * A thousand with fixed buffers: those that TCP tunes itself would take gigabytes.
   *
   * @param spoken bytes of the messages that went before the enrolment: by their overhead the
   *     kernel reckons what a buffer has to be for a given number of bytes; 0: none
   */
  @ParameterizedTest
  @CsvSource({
    "1000, 32768, 100, 0",
    "1000, 32768, 4096, 0",
    "40, 0, 16384, 0",
    "40, 0, 16384, 540"
  })
  void theyHoldAtMostTwiceTheMemoryOfPlainTcp(int readers, int buffer, int writeSize, int spoken)
      throws Exception {
    long plain;
    List<Testbed.Pair> pairs = open(readers, buffer);
    try {
      speak(pairs, spoken);
      long before = charged();
      fill(pairs, writeSize);
      plain = charged() - before;
    } finally {
      closeAll(pairs);
    }
    assertTrue(plain > 16 << 20, plain + " bytes can be told from what others do");

    try (Testbed bed = new Testbed(true)) {
      pairs = open(readers, buffer);
      speak(pairs, spoken);
      awaitRedirected(bed, pairs);
      long least = buffer > 0 ? buffer / 16 : 1 << 20; // that it made room, and filled it
      long redirected = bed.totals().bytesRedirected();
      long before = charged() + messages();
      long[] positions = fill(pairs, writeSize);
      long accelerated = charged() + messages() - before;
      redirected = bed.totals().bytesRedirected() - redirected;
      assertTrue(redirected > readers * least, redirected + " bytes were redirected");
      assertTrue(redirected < readers * ROOM, redirected + " bytes were redirected");
      assertTrue(
          accelerated <= 2 * plain,
          accelerated + " bytes are held accelerated, " + plain + " by plain TCP");
      System.out.printf(
          "%d stalled readers, writes of %d: %d MB accelerated, %d MB plain%n",
          readers, writeSize, accelerated >> 20, plain >> 20);
      for (Testbed.Pair pair : pairs) {
        pair.client().configureBlocking(true);
        pair.client().shutdownOutput();
      }
      assertArrayEquals(positions, readAll(pairs));
    } finally {
      closeAll(pairs);
    }
  }

  /** A thread each, which sleeps in write(2) until its reader goes on. */
  @Test
  void aThousandBlockedWritersAreHeldAndNoneFails() throws Exception {
    int buffer = 32_768;
    int writeSize = 4_096;
    long plain;
    List<Testbed.Pair> pairs = open(BLOCKED, buffer);
    try {
      long before = charged();
      BlockedWriters writers = new BlockedWriters(pairs, writeSize);
      writers.awaitHeld();
      plain = charged() - before;
      writers.stop();
      assertArrayEquals(readAll(pairs), writers.positions());
    } finally {
      closeAll(pairs);
    }
    try (Testbed bed = new Testbed(true)) {
      pairs = open(BLOCKED, buffer);
      awaitRedirected(bed, pairs);
      long redirected = bed.totals().bytesRedirected();
      long before = charged() + messages();
      BlockedWriters writers = new BlockedWriters(pairs, writeSize);
      writers.awaitHeld();
      long accelerated = charged() + messages() - before;
      System.out.printf(
          "%d blocked writers: %d MB accelerated, %d MB plain%n",
          BLOCKED, accelerated >> 20, plain >> 20);
      assertTrue(accelerated <= 2 * plain, accelerated + " bytes are held, " + plain + " by TCP");
      assertTrue(bed.totals().bytesRedirected() - redirected > (long) BLOCKED * buffer / 16);
      writers.stop();
      assertArrayEquals(readAll(pairs), writers.positions());
    } finally {
      closeAll(pairs);
    }
  }

  /**
   * Connections.
   *
   * @param buffer bytes of both buffers; 0: as TCP tunes them
   */
  private static List<Testbed.Pair> open(int readers, int buffer) throws IOException {
    List<Testbed.Pair> pairs = new ArrayList<>();
    try (ServerSocketChannel listener = ServerSocketChannel.open()) {
      if (buffer > 0) {
        listener.setOption(StandardSocketOptions.SO_RCVBUF, buffer);
      }
      listener.bind(new InetSocketAddress("127.0.0.1", 0));
      for (int i = 0; i < readers; i++) {
        SocketChannel client = SocketChannel.open();
        if (buffer > 0) {
          client.setOption(StandardSocketOptions.SO_SNDBUF, buffer);
        }
        client.connect(listener.getLocalAddress());
        pairs.add(new Testbed.Pair(client, listener.accept()));
      }
    }
    return pairs;
  }

  private static void speak(List<Testbed.Pair> pairs, int size) throws IOException {
    for (int i = 0; size > 0 && i < 6; i++) {
      for (Testbed.Pair pair : pairs) {
        EnrolmentTest.send(pair.client(), pair.server(), size);
        EnrolmentTest.send(pair.server(), pair.client(), size);
      }
    }
  }

  private static void closeAll(List<Testbed.Pair> pairs) throws IOException {
    for (Testbed.Pair pair : pairs) {
      pair.close();
    }
  }

  /** No more than a thousand flows are told at once, so they are counted. */
  private static void awaitRedirected(Testbed bed, List<Testbed.Pair> pairs) throws Exception {
    for (Testbed.Pair pair : pairs) {
      pair.join();
    }
    long end = System.nanoTime() + Testbed.PATIENCE.toNanos();
    long all = 2L * pairs.size();
    while (bed.helper.flows(3000).stream().filter(FlowView::accelerated).count() < all) {
      assertTrue(System.nanoTime() < end, "not all are accelerated");
      bed.helper.sweep();
    }
    for (Testbed.Pair pair : pairs) {
      EnrolmentTest.exchange(pair, 2); // until each reader has been seen to read
      pair.join(); // which gives it room
    }
  }

  /** Writes to each until none takes a byte; any error of a write is thrown. */
  private static long[] fill(List<Testbed.Pair> pairs, int writeSize) throws Exception {
    long[] positions = new long[pairs.size()];
    byte[] block = new byte[writeSize];
    for (Testbed.Pair pair : pairs) {
      pair.client().configureBlocking(false);
    }
    for (int refusals = 0; refusals < 5; ) {
      boolean any = false;
      for (int i = 0; i < positions.length; i++) {
        int n;
        do {
          new Bytes(i).fill(block, writeSize, positions[i]);
          n = pairs.get(i).client().write(ByteBuffer.wrap(block));
          positions[i] += n;
          any |= n > 0;
        } while (n > 0);
      }
      refusals = any ? 0 : refusals + 1;
      if (!any) {
        Thread.sleep(50);
      }
    }
    return positions;
  }

  /** Reads each to its end, all at once, and compares; how much there was of each. */
  private static long[] readAll(List<Testbed.Pair> pairs) throws Exception {
    List<Future<Long>> ends = new ArrayList<>();
    try (ExecutorService readers = Executors.newVirtualThreadPerTaskExecutor()) {
      for (int i = 0; i < pairs.size(); i++) {
        SocketChannel server = pairs.get(i).server();
        Bytes bytes = new Bytes(i);
        ends.add(readers.submit(() -> readAll(server, bytes)));
      }
    }
    long[] positions = new long[ends.size()];
    for (int i = 0; i < positions.length; i++) {
      positions[i] = ends.get(i).get();
    }
    return positions;
  }

  private static long readAll(SocketChannel from, Bytes bytes) throws IOException {
    ByteBuffer block = ByteBuffer.allocate(65536);
    long at = 0;
    while (from.read(block.clear()) >= 0) {
      assertEquals(-1, bytes.firstWrong(block.array(), block.position(), at));
      at += block.position();
    }
    return at;
  }

  /**
   * What TCP has charged to sockets, both ways, by sockstat: truesize of skbs, and redirected
   * bytes.
   */
  private static long charged() throws IOException {
    for (String line : Files.readAllLines(Path.of("/proc/net/sockstat"))) {
      if (line.startsWith("TCP:")) {
        return Long.parseLong(line.substring(line.indexOf("mem ") + 4).strip()) * PAGE;
      }
    }
    throw new IOException("sockstat has no TCP");
  }

  /** What nothing charges: a redirected message is a struct sk_msg, an object of kmalloc-1k. */
  static long messages() throws IOException {
    long objects = 0;
    for (String line : Files.readAllLines(Path.of("/proc/slabinfo"))) {
      String[] words = line.split(" +", -1);
      if (words[0].matches("kmalloc(-rnd-\\d+)?-1k")) {
        objects += Long.parseLong(words[1]);
      }
    }
    return objects * 1024;
  }
}
