/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.samples.bench;

import java.io.Closeable;
import java.io.EOFException;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.util.ArrayList;
import java.util.List;

/**
 * The calling end of many connections on one selector: a message and its answer on one after the
 * other, round after round. Used by one thread.
 */
final class FlowsClient implements Closeable {

  /** Connections with a message under way at once, while warming up. */
  private static final int TOGETHER = 100;

  private final Selector selector = Selector.open();
  private final List<SelectionKey> flows = new ArrayList<>();
  private final ByteBuffer message;

  /** Whose turn it is. */
  private int next;

  /**
   * Opens {@code count} connections, and exchanges a message on each, so that the server's backlog
   * never fills.
   */
  FlowsClient(String port, int count, int size) throws IOException {
    message = ByteBuffer.allocateDirect(size);
    SocketAddress server =
        new InetSocketAddress(InetAddress.getLoopbackAddress(), Integer.parseInt(port));
    for (int i = 0; i < count; i++) {
      SocketChannel flow = SocketChannel.open(server);
      flow.setOption(StandardSocketOptions.TCP_NODELAY, true);
      flow.configureBlocking(false);
      flows.add(flow.register(selector, SelectionKey.OP_READ));
      exchange(flows.getLast());
    }
  }

  /** So many exchanges on each, many connections at a time: one by one it would take minutes. */
  void warmUp(int laps) throws IOException {
    for (int lap = 0; lap < laps; lap++) {
      for (int from = 0; from < flows.size(); from += TOGETHER) {
        exchange(flows.subList(from, Math.min(from + TOGETHER, flows.size())));
      }
    }
  }

  /** A message on each of them, then an answer from each. One message fits every send buffer. */
  private void exchange(List<SelectionKey> together) throws IOException {
    for (SelectionKey flow : together) {
      message.clear();
      int written = ((SocketChannel) flow.channel()).write(message);
      if (written != message.capacity()) {
        throw new IOException("a message of " + message.capacity() + " bytes is too long");
      }
    }
    long awaited = (long) together.size() * message.capacity();
    while (awaited > 0) {
      selector.select();
      for (SelectionKey flow : selector.selectedKeys()) {
        int n = ((SocketChannel) flow.channel()).read(message.clear());
        if (n < 0) {
          throw new EOFException();
        }
        awaited -= n;
      }
      selector.selectedKeys().clear();
    }
  }

  /** {@return how many exchanges there were in so many nanoseconds, a few more at the end} */
  long exchange(long nanos) throws IOException {
    long end = System.nanoTime() + nanos;
    long count = 0;
    while (System.nanoTime() < end) {
      exchange(flows.get(next));
      next = (next + 1) % flows.size();
      count++;
    }
    return count;
  }

  private void exchange(SelectionKey flow) throws IOException {
    SocketChannel channel = (SocketChannel) flow.channel();
    message.clear();
    channel.write(message);
    if (message.hasRemaining()) {
      flow.interestOps(SelectionKey.OP_WRITE);
      while (message.hasRemaining()) {
        await();
        channel.write(message);
      }
      flow.interestOps(SelectionKey.OP_READ);
    }
    message.clear();
    while (message.hasRemaining()) {
      await();
      if (channel.read(message) < 0) {
        throw new EOFException();
      }
    }
  }

  private void await() throws IOException {
    selector.select();
    selector.selectedKeys().clear();
  }

  @Override
  public void close() throws IOException {
    for (SelectionKey flow : flows) {
      flow.channel().close();
    }
    selector.close();
  }
}
