/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.helper;

import static org.junit.jupiter.api.Assertions.assertTrue;

import io.underpass.protocol.ErrorCode;
import io.underpass.protocol.HelperClient;
import io.underpass.protocol.WireException;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;

/** A client without guile that registers all the time, beside others who mean harm. */
final class Neighbour implements AutoCloseable {
  /** What one registration may take: far more than it does, and less than a hung thread costs. */
  private static final Duration BOUND = Duration.ofSeconds(2);

  private static final Duration PATIENCE = Duration.ofSeconds(20);
  private static final long PAUSE_MILLIS = 50;

  private final Path socket;
  private final Thread thread;
  private final AtomicReference<Exception> failure = new AtomicReference<>();
  private final AtomicInteger count = new AtomicInteger();
  private volatile long longestNanos;
  private volatile boolean stop;

  Neighbour(Path socket) {
    this.socket = socket;
    this.thread = Thread.ofPlatform().daemon().name("neighbour").start(this::run);
  }

  private void run() {
    try {
      while (!stop) {
        long begin = System.nanoTime();
        register();
        longestNanos = Math.max(longestNanos, System.nanoTime() - begin);
        count.incrementAndGet();
        Thread.sleep(PAUSE_MILLIS);
      }
    } catch (IOException | InterruptedException e) {
      failure.set(e);
    }
  }

  private void register() throws IOException {
    while (true) {
      try (HelperClient client = HelperClient.connect(socket, PATIENCE)) {
        client.register("on").orThrow();
        return;
      } catch (WireException e) {
        // The server may hear of the new connection before it hears of the last one's end.
        if (e.code() != ErrorCode.ALREADY_REGISTERED) {
          throw e;
        }
      }
    }
  }

  /** Lets it register some times more, and says whether all went well and quickly. */
  void assertIsWell() throws InterruptedException {
    int wanted = count.get() + 10;
    long end = System.nanoTime() + 10 * BOUND.toNanos();
    while (count.get() < wanted && failure.get() == null) {
      assertTrue(System.nanoTime() < end, "it is not registered any more");
      Thread.sleep(PAUSE_MILLIS);
    }
    if (failure.get() != null) {
      throw new AssertionError("it is refused", failure.get());
    }
    assertTrue(longestNanos < BOUND.toNanos(), () -> "it took " + longestNanos / 1_000_000 + " ms");
  }

  /** A second call does nothing. */
  void end() {
    stop = true;
    try {
      thread.join();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @Override
  public void close() {
    end();
  }
}
