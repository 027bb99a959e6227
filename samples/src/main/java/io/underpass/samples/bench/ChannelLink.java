/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.samples.bench;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;

/**
 * A blocking {@link SocketChannel}, TCP or UNIX-domain, with a direct buffer: no copy between heap
 * and native.
 */
final class ChannelLink implements Link {

  private final SocketChannel channel;
  private final ByteBuffer buffer;

  ChannelLink(SocketChannel channel, int capacity) {
    this.channel = channel;
    buffer = ByteBuffer.allocateDirect(capacity);
  }

  @Override
  public void write(int bytes) throws IOException {
    buffer.clear().limit(bytes);
    while (buffer.hasRemaining()) {
      channel.write(buffer);
    }
  }

  @Override
  public void readFully(int bytes) throws IOException {
    buffer.clear().limit(bytes);
    while (buffer.hasRemaining()) {
      if (channel.read(buffer) < 0) {
        throw new EOFException();
      }
    }
  }

  @Override
  public int readSome() throws IOException {
    buffer.clear();
    return channel.read(buffer);
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }
}
