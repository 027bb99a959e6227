/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.agent.child;

import java.io.EOFException;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedSelectorException;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.FutureTask;

/**
 * Two threads that answer each other by selectors, long enough for these to spin; then one of them
 * waits for what does not come, and its wait is ended at a time when it may be spinning.
 */
final class Selects {
  private static final int WARM = 200;
  private static final int ROUNDS = 20;
  private static final int TIMEOUT_MILLIS = 5;

  /** What ends a wait. */
  enum End {
    TIMEOUT,
    WAKE_UP,
    INTERRUPT,
    CLOSE,
    BYTES
  }

  private Selects() {}

  /** A channel and the selector that it is read by. */
  private record Side(SocketChannel channel, Selector selector) implements AutoCloseable {
    static Side of(SocketChannel channel) throws IOException {
      channel.configureBlocking(false);
      Selector selector = Selector.open();
      channel.register(selector, SelectionKey.OP_READ);
      return new Side(channel, selector);
    }

    int read() throws IOException {
      ByteBuffer one = ByteBuffer.allocate(1);
      while (true) {
        selector.select();
        selector.selectedKeys().clear();
        int n = channel.read(one);
        if (n != 0) {
          return n < 0 ? -1 : one.get(0) & 0xff;
        }
      }
    }

    void write(int value) throws IOException {
      if (channel.write(ByteBuffer.wrap(new byte[] {(byte) value})) != 1) {
        throw new IOException("no room for one byte");
      }
    }

    @Override
    public void close() throws IOException {
      selector.close();
      channel.close();
    }
  }

  private record Pair(Side client, Side server) implements AutoCloseable {
    static Pair connect() throws IOException {
      try (ServerSocketChannel listener = ServerSocketChannel.open()) {
        listener.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
        SocketChannel client = SocketChannel.open(listener.getLocalAddress());
        return new Pair(Side.of(client), Side.of(listener.accept()));
      }
    }

    @Override
    public void close() throws IOException {
      client.close();
      server.close();
    }
  }

  static String rally(int count) throws Exception {
    try (Pair pair = Pair.connect()) {
      exchange(pair, count);
      return "in order";
    }
  }

  private static void exchange(Pair pair, int count) throws Exception {
    FutureTask<Void> answers =
        new FutureTask<>(
            () -> {
              for (int i = 0; i < count; i++) {
                expect(i & 0xff, pair.server.read());
                pair.server.write(~i);
              }
              return null;
            });
    new Thread(answers).start();
    for (int i = 0; i < count; i++) {
      pair.client.write(i);
      expect(~i & 0xff, pair.client.read());
    }
    answers.get();
  }

  private static void expect(int expected, int seen) throws IOException {
    if (seen != expected) {
      throw new EOFException(seen + " came, and not " + expected);
    }
  }

  /** How the wait ended, in all rounds, for each way to end it. */
  static String ends() throws Exception {
    Set<String> seen = new TreeSet<>();
    for (End end : End.values()) {
      for (int round = 0; round < ROUNDS; round++) {
        try (Pair pair = Pair.connect()) {
          seen.add(end + " " + end(pair, end, round * 5_000L));
        }
      }
    }
    return seen.toString();
  }

  private static String end(Pair pair, End end, long nanos) throws Exception {
    exchange(pair, WARM);
    FutureTask<String> waiter = new FutureTask<>(() -> outcome(pair.client.selector, end));
    Thread thread = new Thread(waiter);
    thread.start();
    // From before the wait begins to after it blocks.
    for (long until = System.nanoTime() + nanos; System.nanoTime() < until; ) {
      Thread.onSpinWait();
    }
    switch (end) {
      case WAKE_UP -> pair.client.selector.wakeup();
      case INTERRUPT -> thread.interrupt();
      case CLOSE -> pair.client.selector.close();
      case BYTES -> pair.server.write(1);
      case TIMEOUT -> {}
    }
    return waiter.get();
  }

  private static String outcome(Selector selector, End end) throws IOException {
    long begin = System.nanoTime();
    try {
      int keys = end == End.TIMEOUT ? selector.select(TIMEOUT_MILLIS) : selector.select();
      boolean early = end == End.TIMEOUT && System.nanoTime() - begin < TIMEOUT_MILLIS * 1_000_000L;
      return (selector.isOpen() ? keys + " keys" : "closed") + (early ? " too early" : "");
    } catch (ClosedSelectorException e) {
      return "closed"; // it was before the wait began
    }
  }
}
