/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.bpf;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;

/**
 * Requests and responses of which one is always on its way: each end reads the message before the
 * last. So what went by TCP is never all read, and nothing is redirected.
 */
final class Lagging {
  private static final int SIZE = 1000;

  private final Testbed.Pair pair;
  private final Bytes bytes = new Bytes(11);

  /** Bytes each way. */
  private long sent;

  private long read;

  Lagging(Testbed.Pair pair) throws IOException {
    this.pair = pair;
    send();
  }

  void exchange(int times) throws IOException {
    for (int i = 0; i < times; i++) {
      send();
      read();
    }
  }

  /** Reads what is on its way. */
  void catchUp() throws IOException {
    while (read < sent) {
      read();
    }
  }

  private void send() throws IOException {
    byte[] block = new byte[SIZE];
    bytes.fill(block, SIZE, sent);
    for (SocketChannel from : new SocketChannel[] {pair.client(), pair.server()}) {
      ByteBuffer out = ByteBuffer.wrap(block);
      while (out.hasRemaining()) {
        from.write(out);
      }
    }
    sent += SIZE;
  }

  private void read() throws IOException {
    for (SocketChannel to : new SocketChannel[] {pair.server(), pair.client()}) {
      ByteBuffer in = ByteBuffer.allocate(SIZE);
      while (in.hasRemaining()) {
        if (to.read(in) < 0) {
          throw new AssertionError("end of stream after " + read);
        }
      }
      assertEquals(-1, bytes.firstWrong(in.array(), SIZE, read), () -> "after " + read);
    }
    read += SIZE;
  }
}
