/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.bpf;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.underpass.protocol.Totals;
import io.underpass.testing.KernelTest;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Sockets enrolled at random moments of running streams: the kernel's sweep runs all the time while
 * hundreds of connections start, stream and end, both ways, with random write and read sizes.
 */
@KernelTest
class RandomEnrolmentTest {
  private static final int CONNECTIONS = 300;
  private static final int AT_ONCE = 20;
  private static final int STREAM_BYTES = 400_000;
  private static final int LARGEST_WRITE = 40_000;
  private static final int[] READ_SIZES = {1, 7, 100, 1024, 8192, 65536};

  /** How a reader waits for bytes. */
  private enum Reader {
    BLOCKED_STREAM,
    TIMED_STREAM,
    BLOCKED_CHANNEL,
    SELECTOR
  }

  @Test
  @Timeout(value = 180, unit = TimeUnit.SECONDS)
  void everyByteArrivesInOrderThoughEnrolledInMidStream() throws Exception {
    long seed = Long.getLong("underpass.seed", System.nanoTime());
    try (Testbed bed = new Testbed(true);
        ExecutorService threads = Executors.newCachedThreadPool()) {
      AtomicBoolean done = new AtomicBoolean();
      Future<Integer> sweeps = threads.submit(() -> sweepAtRandom(bed, seed, done));
      List<Future<Long>> running = new ArrayList<>();
      long bytes = 0;
      for (int i = 0; i < CONNECTIONS; i++) {
        long pairSeed = seed + i;
        running.add(threads.submit(() -> runPair(pairSeed, threads)));
        if (running.size() == AT_ONCE) {
          bytes += finish(running.removeFirst(), seed);
        }
      }
      for (Future<Long> pair : running) {
        bytes += finish(pair, seed);
      }
      done.set(true);
      assertTrue(sweeps.get() > 0);
      assertEquals(2L * CONNECTIONS * STREAM_BYTES, bytes);
      // Without these the test would show nothing about redirects, or nothing about switching.
      Totals totals = bed.totals();
      assertTrue(totals.connectionsAccelerated() > CONNECTIONS / 30, totals::toString);
      assertTrue(totals.messagesRedirected() > CONNECTIONS, totals::toString);
      assertTrue(totals.messagesPassed() > CONNECTIONS, totals::toString);
      assertTrue(totals.switches() > CONNECTIONS / 30, totals::toString);
    }
  }

  private static long finish(Future<Long> pair, long seed) throws InterruptedException {
    try {
      return pair.get(60, TimeUnit.SECONDS);
    } catch (TimeoutException e) {
      throw new AssertionError("a stream stalled; -Dunderpass.seed=" + seed, e);
    } catch (ExecutionException e) {
      throw new AssertionError("-Dunderpass.seed=" + seed, e.getCause());
    }
  }

  private static int sweepAtRandom(Testbed bed, long seed, AtomicBoolean done) throws Exception {
    SplittableRandom random = new SplittableRandom(seed);
    int sweeps = 0;
    while (!done.get()) {
      bed.helper.sweep();
      sweeps++;
      Thread.sleep(random.nextInt(8));
    }
    return sweeps;
  }

  private static long runPair(long seed, ExecutorService threads) throws Exception {
    SplittableRandom random = new SplittableRandom(seed);
    String address = random.nextBoolean() ? "127.0.0.1" : "::1";
    Reader[] readers = Reader.values();
    Reader there = readers[random.nextInt(readers.length)];
    Reader back = readers[random.nextInt(readers.length)];
    try (Testbed.Pair pair = Testbed.Pair.open(address)) {
      Bytes one = new Bytes(seed);
      Bytes two = new Bytes(~seed);
      // A selecting reader has its channel in non-blocking mode, and so has its writer.
      pair.server().configureBlocking(there != Reader.SELECTOR);
      pair.client().configureBlocking(back != Reader.SELECTOR);
      List<Future<Long>> all =
          List.of(
              threads.submit(reading(there, pair.server(), one, random.split())),
              threads.submit(reading(back, pair.client(), two, random.split())),
              threads.submit(() -> write(pair.client(), one, random.split())),
              threads.submit(() -> write(pair.server(), two, random.split())));
      long bytes = 0;
      for (Future<Long> part : all) {
        bytes += part.get(); // the reader's count, a writer's 0
      }
      return bytes;
    }
  }

  private static Callable<Long> reading(
      Reader kind, SocketChannel channel, Bytes expected, SplittableRandom random) {
    return switch (kind) {
      case BLOCKED_STREAM -> () -> readStream(channel, 0, expected, random);
      case TIMED_STREAM -> () -> readStream(channel, 30_000, expected, random);
      case BLOCKED_CHANNEL -> () -> readChannel(channel, null, expected, random);
      case SELECTOR ->
          () -> {
            try (Selector selector = Selector.open()) {
              channel.register(selector, SelectionKey.OP_READ);
              return readChannel(channel, selector, expected, random);
            }
          };
    };
  }

  private static long write(SocketChannel channel, Bytes bytes, SplittableRandom random)
      throws Exception {
    byte[] block = new byte[LARGEST_WRITE];
    long position = 0;
    while (position < STREAM_BYTES) {
      int most = random.nextInt(4) == 0 ? LARGEST_WRITE : 600;
      int size = (int) Math.min(STREAM_BYTES - position, 1 + random.nextInt(most));
      bytes.fill(block, size, position);
      ByteBuffer buffer = ByteBuffer.wrap(block, 0, size);
      while (buffer.hasRemaining()) {
        if (channel.write(buffer) == 0) {
          Thread.sleep(1); // non-blocking, and full
        }
      }
      position += size;
      if (random.nextInt(12) == 0) {
        Thread.sleep(random.nextInt(6));
      }
    }
    channel.shutdownOutput();
    return 0;
  }

  private static long readStream(
      SocketChannel channel, int timeoutMillis, Bytes expected, SplittableRandom random)
      throws IOException {
    channel.socket().setSoTimeout(timeoutMillis);
    var in = channel.socket().getInputStream();
    byte[] block = new byte[READ_SIZES[READ_SIZES.length - 1]];
    long position = 0;
    while (true) {
      int n = in.read(block, 0, READ_SIZES[random.nextInt(READ_SIZES.length)]);
      if (n < 0) {
        return position;
      }
      position = check(expected, block, n, position);
    }
  }

  private static long readChannel(
      SocketChannel channel, Selector selector, Bytes expected, SplittableRandom random)
      throws IOException {
    ByteBuffer block = ByteBuffer.allocate(READ_SIZES[READ_SIZES.length - 1]);
    long position = 0;
    while (true) {
      if (selector != null) {
        selector.select(30_000);
        selector.selectedKeys().clear();
      }
      block.clear().limit(READ_SIZES[random.nextInt(READ_SIZES.length)]);
      int n = channel.read(block);
      if (n < 0) {
        return position;
      }
      position = check(expected, block.array(), n, position);
    }
  }

  private static long check(Bytes expected, byte[] block, int n, long position) {
    int wrong = expected.firstWrong(block, n, position);
    if (wrong >= 0) {
      throw new AssertionError("wrong byte at " + (position + wrong) + " of a read of " + n);
    }
    return position + n;
  }
}
