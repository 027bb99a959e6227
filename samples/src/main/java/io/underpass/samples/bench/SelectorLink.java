/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.samples.bench;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;

/**
 * A non-blocking {@link SocketChannel} with a {@link Selector} of its own, as an event loop uses
 * it: a read follows a selection and goes on until the message is whole or nothing is left, a write
 * is tried at once and waits for {@code OP_WRITE} only if it did not take all.
 */
final class SelectorLink implements Link {

  private final SocketChannel channel;
  private final Selector selector;
  private final SelectionKey key;
  private final ByteBuffer buffer;

  /** The last read filled the buffer: there may be more, without a selection. */
  private boolean more;

  SelectorLink(SocketChannel channel, int capacity) throws IOException {
    this.channel = channel;
    channel.configureBlocking(false);
    selector = Selector.open();
    key = channel.register(selector, SelectionKey.OP_READ);
    buffer = ByteBuffer.allocateDirect(capacity);
  }

  @Override
  public void write(int bytes) throws IOException {
    buffer.clear().limit(bytes);
    channel.write(buffer);
    if (!buffer.hasRemaining()) {
      return;
    }
    key.interestOps(SelectionKey.OP_WRITE);
    while (buffer.hasRemaining()) {
      await();
      channel.write(buffer);
    }
    key.interestOps(SelectionKey.OP_READ);
  }

  @Override
  public void readFully(int bytes) throws IOException {
    buffer.clear().limit(bytes);
    while (buffer.hasRemaining()) {
      await();
      int n;
      do {
        n = channel.read(buffer);
      } while (n > 0 && buffer.hasRemaining());
      if (n < 0) {
        throw new EOFException();
      }
    }
  }

  @Override
  public int readSome() throws IOException {
    while (true) {
      if (!more) {
        await();
      }
      buffer.clear();
      int n = channel.read(buffer);
      more = n == buffer.capacity();
      if (n != 0) {
        return n;
      }
    }
  }

  private void await() throws IOException {
    selector.select();
    selector.selectedKeys().clear();
  }

  @Override
  public void close() throws IOException {
    channel.close();
    selector.close();
  }
}
