/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.bpf;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.underpass.protocol.FlowView;
import io.underpass.protocol.HelperClient;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Many connections of this JVM at once that exchange random bytes, both ways, each checked: a
 * virtual thread writes to and one reads from each pair, until {@link #finish}.
 */
final class Streams implements AutoCloseable {
  private final List<Testbed.Pair> pairs = new ArrayList<>();
  private final List<Thread> threads = new ArrayList<>();
  private final List<Throwable> failures = new CopyOnWriteArrayList<>();
  private final AtomicLong rounds = new AtomicLong();
  private volatile boolean stop;

  Streams(int count, int size) throws IOException {
    for (int i = 0; i < count; i++) {
      Testbed.Pair pair = Testbed.Pair.open(i % 2 == 0 ? "127.0.0.1" : "::1");
      pairs.add(pair);
      int seed = i;
      threads.add(Thread.ofVirtual().unstarted(() -> run(pair, seed, size)));
    }
    threads.forEach(Thread::start);
  }

  private void run(Testbed.Pair pair, int seed, int size) {
    Bytes bytes = new Bytes(seed);
    byte[] block = new byte[size];
    long position = 0;
    try {
      while (!stop) {
        exchange(pair.client(), pair.server(), bytes, block, position);
        exchange(pair.server(), pair.client(), bytes, block, position);
        position += size;
        rounds.incrementAndGet();
        Thread.sleep(1); // its reads hardly ever wait: the others are to have their turn
      }
    } catch (IOException | InterruptedException | RuntimeException | AssertionError e) {
      failures.add(e);
    }
  }

  private static void exchange(
      SocketChannel from, SocketChannel to, Bytes bytes, byte[] block, long position)
      throws IOException {
    bytes.fill(block, block.length, position);
    ByteBuffer out = ByteBuffer.wrap(block);
    while (out.hasRemaining()) {
      from.write(out);
    }
    ByteBuffer in = ByteBuffer.allocate(block.length);
    while (in.hasRemaining()) {
      if (to.read(in) < 0) {
        throw new AssertionError("end of stream at " + position);
      }
    }
    int wrong = bytes.firstWrong(in.array(), block.length, position);
    if (wrong >= 0) {
      throw new AssertionError("wrong byte " + wrong + " after " + position);
    }
  }

  /** Until so many of the sockets are accelerated at once. */
  void awaitAccelerated(HelperClient client, int count) throws IOException, InterruptedException {
    long end = System.nanoTime() + Testbed.PATIENCE.toNanos();
    long found = 0;
    while (System.nanoTime() < end) {
      found = client.flows(1000).stream().filter(FlowView::accelerated).count();
      if (found >= count) {
        return;
      }
      Thread.sleep(10);
    }
    throw new AssertionError("only " + found + " accelerated; " + failures);
  }

  /** Until all have together made so many more rounds as there are pairs, times {@code each}. */
  void awaitRounds(int each) throws InterruptedException {
    long until = rounds.get() + (long) each * pairs.size();
    long end = System.nanoTime() + Testbed.PATIENCE.toNanos();
    while (rounds.get() < until && failures.isEmpty()) {
      if (System.nanoTime() > end) {
        throw new AssertionError("the streams stand still");
      }
      Thread.sleep(5);
    }
    assertEquals(List.of(), failures);
  }

  /** Ends them, each after a whole round, and says if any went wrong. */
  void finish() throws InterruptedException {
    stop = true;
    for (Thread thread : threads) {
      if (!thread.join(Testbed.PATIENCE)) {
        failures.add(new AssertionError("a stream hangs"));
      }
    }
    assertEquals(List.of(), failures);
  }

  /** A registration of this JVM. */
  static HelperClient register(Path socket) throws IOException {
    HelperClient client = HelperClient.connect(socket, Testbed.PATIENCE);
    client.register("on").orThrow();
    return client;
  }

  @Override
  public void close() throws IOException {
    stop = true;
    for (Testbed.Pair pair : pairs) {
      pair.close();
    }
  }
}
