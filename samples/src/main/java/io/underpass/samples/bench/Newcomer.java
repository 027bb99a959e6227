/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.samples.bench;

import java.io.Closeable;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.util.Arrays;

/**
 * One connection more, used from its first moment on without a pause, that knows when each of its
 * messages went: which of them was the first to be redirected is found out afterwards, and nobody
 * has to ask meanwhile. Used by one thread.
 */
final class Newcomer implements Closeable {

  /** More exchanges than there are in 100 ms, so that the arrays seldom grow. */
  private static final int EXCHANGES = 1 << 16;

  private final Socket socket;
  private final InputStream in;
  private final OutputStream out;
  private final byte[] message;

  /** When it began to connect. */
  private final long begun;

  /** When {@code connect} came back; with {@code join=now} the helper knows of it then. */
  private final long connected;

  /** When each message was about to be written. */
  private long[] sent = new long[EXCHANGES];

  /** When its answer had been read. */
  private long[] answered = new long[EXCHANGES];

  private int count;

  private Newcomer(Socket socket, int size, long begun, long connected) throws IOException {
    this.socket = socket;
    this.begun = begun;
    this.connected = connected;
    message = new byte[size];
    in = socket.getInputStream();
    out = socket.getOutputStream();
  }

  /** Connects to a port of loopback, for messages of so many bytes. */
  static Newcomer connect(String port, int size) throws IOException {
    long begun = System.nanoTime();
    Socket socket = new Socket(InetAddress.getLoopbackAddress(), Integer.parseInt(port));
    long connected = System.nanoTime();
    socket.setTcpNoDelay(true);
    return new Newcomer(socket, size, begun, connected);
  }

  /** Exchanges messages for so many nanoseconds, once at least. */
  void use(long nanos) throws IOException {
    long now = System.nanoTime();
    long end = now + nanos;
    do {
      if (count == sent.length) {
        sent = Arrays.copyOf(sent, 2 * count);
        answered = Arrays.copyOf(answered, 2 * count);
        now = System.nanoTime();
      }
      sent[count] = now;
      out.write(message);
      if (in.readNBytes(message, 0, message.length) != message.length) {
        throw new EOFException();
      }
      now = System.nanoTime();
      answered[count++] = now;
    } while (now < end);
  }

  /** {@return its own port} */
  int port() {
    return socket.getLocalPort();
  }

  /** {@return nanoseconds from before it connected to its first answer} */
  long firstAnswer() {
    return answered[0] - begun;
  }

  /** {@return nanoseconds from when it was connected to when these messages went} */
  long moment(int up, int down) {
    return earlier(Arrays.copyOf(sent, count), up, Arrays.copyOf(answered, count), down)
        - connected;
  }

  /**
   * When the earlier of two messages went.
   *
   * @param up the place of one that was sent, or {@link FirstRedirect#NONE}
   * @param down the place of an answer, or {@link FirstRedirect#NONE}; not both of them none
   */
  static long earlier(long[] sent, int up, long[] answered, int down) {
    long first = Long.MAX_VALUE;
    if (up != FirstRedirect.NONE) {
      first = sent[Math.min(up, sent.length - 1)];
    }
    if (down != FirstRedirect.NONE) {
      first = Math.min(first, answered[Math.min(down, answered.length - 1)]);
    }
    return first;
  }

  @Override
  public void close() throws IOException {
    socket.close();
  }
}
