/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.bpf;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.atomic.LongAdder;
import java.util.stream.Stream;

/**
 * A thread for each of many connections, which writes to a reader that does not read, without end,
 * and so comes to sleep in {@code write(2)}: those of virtual threads would sleep elsewhere.
 */
final class BlockedWriters {
  private static final long STACK = 128 << 10;

  /** Of x86-64 and of the others. */
  private static final List<String> WRITE = List.of("1 ", "64 ");

  private static final int LOOKS = 5;

  private final List<FutureTask<Long>> writers = new ArrayList<>();
  private final LongAdder written = new LongAdder();
  private volatile boolean stop;

  BlockedWriters(List<Testbed.Pair> pairs, int size) {
    for (int i = 0; i < pairs.size(); i++) {
      SocketChannel channel = pairs.get(i).client();
      Bytes bytes = new Bytes(i);
      FutureTask<Long> writer = new FutureTask<>(() -> write(channel, bytes, size));
      writers.add(writer);
      Thread.ofPlatform().daemon().stackSize(STACK).name("blocked-writer").start(writer);
    }
  }

  /** Whole blocks, of which the last one is that in which it was held. */
  private long write(SocketChannel channel, Bytes bytes, int size) throws IOException {
    byte[] block = new byte[size];
    long position = 0;
    while (!stop) {
      bytes.fill(block, size, position);
      ByteBuffer out = ByteBuffer.wrap(block);
      while (out.hasRemaining()) {
        int n = channel.write(out);
        written.add(n);
      }
      position += size;
    }
    channel.shutdownOutput();
    return position;
  }

  /** Until all of them sleep in the call, and none gets any further; an error of any is thrown. */
  void awaitHeld() throws Exception {
    long end = System.nanoTime() + 3 * Testbed.PATIENCE.toNanos();
    long before = -1;
    for (int looks = 0; looks < LOOKS; ) {
      assertTrue(System.nanoTime() < end, () -> sleeping() + " are held");
      for (FutureTask<Long> writer : writers) {
        if (writer.isDone()) {
          throw new AssertionError("is not held, but ended after " + writer.get());
        }
      }
      long now = written.sum();
      looks = now == before && sleeping() == writers.size() ? looks + 1 : 0;
      before = now;
      Thread.sleep(50);
    }
  }

  /** How many threads of this process sleep in write(2), as the kernel has it. */
  private static long sleeping() {
    try (Stream<Path> tasks = Files.list(Path.of("/proc/self/task"))) {
      return tasks.filter(BlockedWriters::isInWrite).count();
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  /** A thread that runs says "running", whatever it is in. */
  private static boolean isInWrite(Path task) {
    try {
      String call = Files.readString(task.resolve("syscall"));
      return WRITE.stream().anyMatch(call::startsWith);
    } catch (IOException e) {
      return false; // it has ended
    }
  }

  /** They are to write no more than they are in the middle of; somebody has to read that. */
  void stop() {
    stop = true;
  }

  /** How much each has written, when all have ended. */
  long[] positions() throws InterruptedException, ExecutionException {
    long[] positions = new long[writers.size()];
    for (int i = 0; i < positions.length; i++) {
      positions[i] = writers.get(i).get();
    }
    return positions;
  }
}
