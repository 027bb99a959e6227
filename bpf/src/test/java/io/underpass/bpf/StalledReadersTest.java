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
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * A thousand readers that do not read: their senders are held, and the kernel's memory is not
 * filled.
 */
@KernelTest
@Timeout(180)
class StalledReadersTest {
  private static final int READERS = 1000;

  /** Fixed, so that plain TCP does not enlarge them as it goes and takes gigabytes. */
  private static final int BUFFER = 32 << 10;

  @ParameterizedTest
  @ValueSource(ints = {100, 4096})
  void theyHoldAtMostTwiceTheMemoryOfPlainTcp(int writeSize) throws Exception {
    long plain;
    List<Testbed.Pair> pairs = open();
    try {
      long before = kernelMemory();
      fill(pairs, writeSize);
      plain = kernelMemory() - before;
    } finally {
      closeAll(pairs);
    }
    assertTrue(plain > 16 << 20, plain + " bytes can be told from what others do");

    try (Testbed bed = new Testbed(true)) {
      pairs = open();
      awaitAccelerated(bed);
      for (Testbed.Pair pair : pairs) {
        EnrolmentTest.exchange(pair, 2);
      }
      long redirected = bed.totals().bytesRedirected();
      long before = kernelMemory();
      long[] positions = fill(pairs, writeSize);
      long accelerated = kernelMemory() - before;
      assertTrue(bed.totals().bytesRedirected() - redirected > READERS * (BUFFER / 16L));
      assertTrue(
          accelerated <= 2 * plain,
          accelerated + " bytes are held accelerated, " + plain + " by plain TCP");
      System.out.printf(
          "%d stalled readers, writes of %d: %d MB accelerated, %d MB plain%n",
          READERS, writeSize, accelerated >> 20, plain >> 20);
      readAll(pairs, positions);
    } finally {
      closeAll(pairs);
    }
  }

  private static List<Testbed.Pair> open() throws IOException {
    List<Testbed.Pair> pairs = new ArrayList<>();
    try (ServerSocketChannel listener = ServerSocketChannel.open()) {
      listener.setOption(StandardSocketOptions.SO_RCVBUF, BUFFER);
      listener.bind(new InetSocketAddress("127.0.0.1", 0));
      for (int i = 0; i < READERS; i++) {
        SocketChannel client = SocketChannel.open();
        client.setOption(StandardSocketOptions.SO_SNDBUF, BUFFER);
        client.connect(listener.getLocalAddress());
        pairs.add(new Testbed.Pair(client, listener.accept()));
      }
    }
    return pairs;
  }

  private static void closeAll(List<Testbed.Pair> pairs) throws IOException {
    for (Testbed.Pair pair : pairs) {
      pair.close();
    }
  }

  /** No more than a thousand flows are told at once, so they are counted. */
  private static void awaitAccelerated(Testbed bed) throws Exception {
    long end = System.nanoTime() + Testbed.PATIENCE.toNanos();
    while (bed.helper.flows(3000).stream().filter(FlowView::accelerated).count() < 2 * READERS) {
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

  private static void readAll(List<Testbed.Pair> pairs, long[] positions) throws IOException {
    ByteBuffer block = ByteBuffer.allocate(65536);
    for (int i = 0; i < positions.length; i++) {
      Bytes bytes = new Bytes(i);
      pairs.get(i).client().configureBlocking(true);
      pairs.get(i).client().shutdownOutput();
      long at = 0;
      while (pairs.get(i).server().read(block.clear()) >= 0) {
        assertEquals(-1, bytes.firstWrong(block.array(), block.position(), at));
        at += block.position();
      }
      assertEquals(positions[i], at);
    }
  }

  /**
   * What the kernel holds for itself, by proc_meminfo(5): all that is neither free nor somebody's.
   * The pages of queued messages are in none of its lines, so the others are taken away.
   */
  private static long kernelMemory() throws IOException {
    Map<String, Long> info = new HashMap<>();
    for (String line : Files.readAllLines(Path.of("/proc/meminfo"))) {
      String[] words = line.split("[: ]+", -1);
      info.put(words[0], Long.parseLong(words[1]) << 10);
    }
    long kernel = info.get("MemTotal");
    for (String others :
        List.of("MemFree", "Buffers", "Cached", "AnonPages", "SReclaimable", "PageTables")) {
      kernel -= info.get(others);
    }
    return kernel;
  }
}
