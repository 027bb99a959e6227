package io.underpass.bpf;

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
      for (Testbed.Pair pair : pairs) {
        pair.join();
      }
      awaitAccelerated(bed, readers);
      for (Testbed.Pair pair : pairs) {
        EnrolmentTest.exchange(pair, 2);
      }
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
      readAll(pairs, positions);
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
  private static void awaitAccelerated(Testbed bed, int readers) throws Exception {
    long end = System.nanoTime() + Testbed.PATIENCE.toNanos();
    while (bed.helper.flows(3000).stream().filter(FlowView::accelerated).count() < 2L * readers) {
      assertTrue(System.nanoTime() < end, "not all are accelerated");
      bed.helper.sweep();
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

  private static void readAll(List<Testbed.Pair> pairs, long[] positions) throws Exception {
    List<Future<Long>> ends = new ArrayList<>();
    try (ExecutorService readers = Executors.newVirtualThreadPerTaskExecutor()) {
      for (int i = 0; i < positions.length; i++) {
        Testbed.Pair pair = pairs.get(i);
        Bytes bytes = new Bytes(i);
        ends.add(readers.submit(() -> readAll(pair, bytes)));
      }
    }
    for (int i = 0; i < positions.length; i++) {
      assertEquals(positions[i], ends.get(i).get());
    }
  }

  private static long readAll(Testbed.Pair pair, Bytes bytes) throws IOException {
    pair.client().configureBlocking(true);
    pair.client().shutdownOutput();
    ByteBuffer block = ByteBuffer.allocate(65536);
    long at = 0;
    while (pair.server().read(block.clear()) >= 0) {
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
  private static long messages() throws IOException {
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
