/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.bpf.behaviour;

import java.io.Closeable;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketOption;
import java.nio.ByteBuffer;
import java.nio.channels.NetworkChannel;

/**
 * One end of a connection, used by one of the APIs. Each method blocks as a program of that API
 * would have it: a selecting program selects, an asynchronous one waits for the completion.
 */
interface End extends Closeable {
  /** One write; returns how many bytes it took, at least 1 (if there are any). */
  int write(ByteBuffer from) throws Exception;

  /** One read; returns how many bytes, at least 1, or -1 at the end of the stream. */
  int read(ByteBuffer into) throws Exception;

  /** One read that waits no longer than so; throws what the API throws then. */
  int read(ByteBuffer into, int timeoutMillis) throws Exception;

  void shutdownOutput() throws IOException;

  void shutdownInput() throws IOException;

  <T> void set(SocketOption<T> option, T value) throws IOException;

  <T> T get(SocketOption<T> option) throws IOException;

  InetSocketAddress local() throws IOException;

  InetSocketAddress remote() throws IOException;

  /**
   * The {@code Socket}, or the channel's adaptor; null where the API offers none. That of a channel
   * in non-blocking mode refuses to read and to write, but tells what is available, and sends
   * urgent data.
   */
  Socket socket();

  /** Null where the API has streams. */
  NetworkChannel channel();

  default void writeAll(byte[] bytes) throws Exception {
    writeAll(ByteBuffer.wrap(bytes));
  }

  default void writeAll(ByteBuffer from) throws Exception {
    while (from.hasRemaining()) {
      write(from);
    }
  }

  /** Reads so many bytes, fewer if the stream ends before. */
  default byte[] readUpTo(int count) throws Exception {
    ByteBuffer into = ByteBuffer.allocate(count);
    while (into.hasRemaining() && read(into) >= 0) {
      // read moves the position
    }
    byte[] bytes = new byte[into.position()];
    into.flip().get(bytes);
    return bytes;
  }

  /** How many bytes there are to the end of the stream. */
  default long drain() throws Exception {
    ByteBuffer into = ByteBuffer.allocate(1 << 16);
    long count = 0;
    for (int n = read(into); n >= 0; n = read(into.clear())) {
      count += n;
    }
    return count;
  }
}
