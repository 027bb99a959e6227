/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.bpf.behaviour;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.net.SocketTimeoutException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.ClosedSelectorException;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.util.concurrent.TimeUnit;

/** A channel in non-blocking mode, with a selector for its reader and one for its writer. */
final class SelectorEnd extends ChannelEnd {
  final Selector reader;
  final Selector writer;

  SelectorEnd(SocketChannel channel) throws IOException {
    super(channel);
    channel.configureBlocking(false);
    reader = Selector.open();
    writer = Selector.open();
    channel.register(reader, SelectionKey.OP_READ);
    channel.register(writer, SelectionKey.OP_WRITE);
  }

  @Override
  public int write(ByteBuffer from) throws IOException {
    int n;
    while ((n = channel.write(from)) == 0 && from.hasRemaining()) {
      await(writer, 0);
    }
    return n;
  }

  @Override
  public int read(ByteBuffer into) throws IOException {
    int n;
    while ((n = channel.read(into)) == 0) {
      await(reader, 0);
    }
    return n;
  }

  @Override
  public int read(ByteBuffer into, int timeoutMillis) throws IOException {
    long end = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(timeoutMillis);
    int n;
    while ((n = channel.read(into)) == 0) {
      long left = end - System.nanoTime();
      if (left <= 0) {
        throw new SocketTimeoutException("nothing was selected");
      }
      await(reader, left / 1_000_000 + 1);
    }
    return n;
  }

  private static void await(Selector selector, long millis) throws IOException {
    try {
      selector.select(millis);
      selector.selectedKeys().clear();
    } catch (ClosedSelectorException e) {
      throw new ClosedChannelException(); // close() closes both, and either can be seen first
    }
    if (Thread.currentThread().isInterrupted()) {
      throw new InterruptedIOException("interrupted while selecting");
    }
  }

  /** What is ready of these, at once or within so many milliseconds. */
  static int ready(Selector selector, long millis) throws IOException {
    int count = millis == 0 ? selector.selectNow() : selector.select(millis);
    int ready = 0;
    for (SelectionKey key : selector.selectedKeys()) {
      ready |= key.readyOps();
    }
    selector.selectedKeys().clear();
    return count == 0 ? 0 : ready;
  }

  @Override
  public void close() throws IOException {
    channel.close();
    // The descriptor is closed when no selector has the channel any more.
    reader.close();
    writer.close();
  }
}
