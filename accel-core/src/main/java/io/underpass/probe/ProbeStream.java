/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.probe;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.util.concurrent.TimeUnit;

/** One direction of a probe's connection: bytes by a pattern, so that each has its place. */
final class ProbeStream {
  /** Far longer than loopback takes on a busy machine; short enough for some failures in a row. */
  static final long WAIT_MILLIS = 1_000;

  final SocketChannel from;
  final SocketChannel to;
  private long sent;
  private long received;

  /** What a kernel did that it must not. */
  static final class Wrong extends IOException {
    private static final long serialVersionUID = 1L;

    Wrong(String what) {
      super(what);
    }
  }

  ProbeStream(SocketChannel from, SocketChannel to) {
    this.from = from;
    this.to = to;
  }

  /** Sends the next bytes; the buffers have room for them, so that it never waits. */
  void send(int count) throws IOException {
    int taken = offer(count);
    if (taken != count) {
      throw new Wrong("of " + count + " bytes a writer could send " + taken);
    }
  }

  /** Sends as many of the next bytes as are taken at once. */
  int offer(int count) throws IOException {
    byte[] bytes = new byte[count];
    for (int i = 0; i < count; i++) {
      bytes[i] = at(sent + i);
    }
    boolean blocking = from.isBlocking();
    if (blocking) {
      from.configureBlocking(false);
    }
    try {
      int taken = from.write(ByteBuffer.wrap(bytes));
      sent += taken;
      return taken;
    } finally {
      if (blocking) {
        from.configureBlocking(true);
      }
    }
  }

  long unread() {
    return sent - received;
  }

  /** Reads so many bytes, and compares them. */
  void expect(long count) throws IOException {
    long end = received + count;
    while (received < end) {
      ByteBuffer in = ByteBuffer.allocate((int) Math.min(end - received, 1 << 16));
      int n = read(in);
      if (n < 0) {
        throw new Wrong("end of stream with " + (end - received) + " bytes to come");
      }
      if (n == 0) {
        throw new Wrong((end - received) + " of " + count + " bytes did not arrive");
      }
      compare(in);
    }
  }

  /** Takes note of bytes that somebody else has read. */
  void compare(ByteBuffer read) throws Wrong {
    for (int i = 0; i < read.position(); i++) {
      if (read.get(i) != at(received + i)) {
        throw new Wrong("byte " + (received + i) + " of the stream is another one");
      }
    }
    received += read.position();
  }

  /** The writer has shut down, and everything was read. */
  void expectEnd() throws IOException {
    int n = read(ByteBuffer.allocate(1));
    if (n >= 0) {
      throw new Wrong(n == 0 ? "no end of stream" : "a byte after the last");
    }
  }

  /** Bytes read, -1 at the end, 0 if none came in time. */
  private int read(ByteBuffer into) throws IOException {
    to.configureBlocking(false);
    try (Selector selector = Selector.open()) {
      to.register(selector, SelectionKey.OP_READ);
      long end = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(WAIT_MILLIS);
      while (true) {
        int n = to.read(into);
        long left = TimeUnit.NANOSECONDS.toMillis(end - System.nanoTime());
        if (n != 0 || left <= 0) {
          return n;
        }
        selector.select(left);
      }
    } finally {
      if (to.isOpen()) {
        to.configureBlocking(true);
      }
    }
  }

  /** Two streams that are shifted by any number below 65,521 differ. */
  private static byte at(long position) {
    return (byte) (position % 251 + position / 251);
  }
}
