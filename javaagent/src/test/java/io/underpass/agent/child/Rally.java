/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.agent.child;

import java.io.BufferedReader;
import java.io.Closeable;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.FutureTask;

/**
 * Two threads that answer each other over one connection, long enough for reads to spin; then one
 * of the ends is closed, interrupted or left waiting, at a time when its reader may be spinning.
 * One line for each word of its standard input.
 */
public final class Rally {
  /** More than a young socket's reads without an attempt. */
  private static final int WARM = 100;

  private static final int LONG = 5_000;
  private static final int ROUNDS = 40;

  private Rally() {}

  /** No arguments. */
  public static void main(String[] args) throws Exception {
    BufferedReader in =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.US_ASCII));
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      switch (line) {
        case "sockets" -> System.out.println(rally(false, LONG));
        case "channels" -> System.out.println(rally(true, LONG));
        case "selectors" -> System.out.println(Selects.rally(LONG));
        case "selects" -> System.out.println(Selects.ends());
        case "close" -> System.out.println(ends(false, End.CLOSE) + " " + ends(true, End.CLOSE));
        case "interrupt" -> System.out.println(ends(true, End.INTERRUPT));
        case "timeout" -> System.out.println(ends(false, End.TIMEOUT));
        case "shutdown" ->
            System.out.println(ends(false, End.SHUTDOWN) + " " + ends(true, End.SHUTDOWN));
        case "jmx" -> {
          Jmx.print();
          System.out.println("end");
        }
        default -> throw new IllegalArgumentException(line);
      }
    }
  }

  private enum End {
    CLOSE,
    INTERRUPT,
    TIMEOUT,
    SHUTDOWN
  }

  /** One end of a connection. */
  private interface Side extends Closeable {
    int read() throws IOException;

    void write(int value) throws IOException;

    void shutdownInput() throws IOException;

    void readTimeout(int millis) throws IOException;
  }

  private record OfSocket(Socket socket, InputStream in) implements Side {
    @Override
    public int read() throws IOException {
      return in.read();
    }

    @Override
    public void write(int value) throws IOException {
      socket.getOutputStream().write(value);
    }

    @Override
    public void shutdownInput() throws IOException {
      socket.shutdownInput();
    }

    @Override
    public void readTimeout(int millis) throws IOException {
      socket.setSoTimeout(millis);
    }

    @Override
    public void close() throws IOException {
      socket.close();
    }
  }

  private record OfChannel(SocketChannel channel) implements Side {
    @Override
    public int read() throws IOException {
      ByteBuffer one = ByteBuffer.allocate(1);
      return channel.read(one) < 0 ? -1 : one.get(0) & 0xff;
    }

    @Override
    public void write(int value) throws IOException {
      channel.write(ByteBuffer.wrap(new byte[] {(byte) value}));
    }

    @Override
    public void shutdownInput() throws IOException {
      channel.shutdownInput();
    }

    @Override
    public void readTimeout(int millis) throws IOException {
      channel.socket().setSoTimeout(millis);
    }

    @Override
    public void close() throws IOException {
      channel.close();
    }
  }

  private static Side[] connect(boolean channels) throws IOException {
    InetAddress loopback = InetAddress.getLoopbackAddress();
    if (channels) {
      try (ServerSocketChannel listener = ServerSocketChannel.open()) {
        listener.bind(new InetSocketAddress(loopback, 0));
        SocketChannel client = SocketChannel.open(listener.getLocalAddress());
        return new Side[] {new OfChannel(client), new OfChannel(listener.accept())};
      }
    }
    try (ServerSocket listener = new ServerSocket(0, 5, loopback)) {
      Socket client = new Socket(loopback, listener.getLocalPort());
      return new Side[] {of(client), of(listener.accept())};
    }
  }

  /** The stream is asked for now, since it is refused after a shutdown. */
  private static Side of(Socket socket) throws IOException {
    return new OfSocket(socket, socket.getInputStream());
  }

  private static String rally(boolean channels, int count) throws Exception {
    Side[] sides = connect(channels);
    try (Side client = sides[0];
        Side server = sides[1]) {
      exchange(client, server, count);
      return "in order";
    }
  }

  private static void exchange(Side client, Side server, int count) throws Exception {
    FutureTask<Void> answers =
        new FutureTask<>(
            () -> {
              for (int i = 0; i < count; i++) {
                expect(i & 0xff, server.read());
                server.write(~i);
              }
              return null;
            });
    new Thread(answers).start();
    for (int i = 0; i < count; i++) {
      client.write(i);
      expect(~i & 0xff, client.read());
    }
    answers.get();
  }

  private static void expect(int expected, int seen) throws IOException {
    if (seen != expected) {
      throw new EOFException(seen + " came, and not " + expected);
    }
  }

  /** How the reader's wait ended, in all rounds. */
  private static Set<String> ends(boolean channels, End end) throws Exception {
    Set<String> seen = new TreeSet<>();
    for (int round = 0; round < ROUNDS; round++) {
      Side[] sides = connect(channels);
      try (Side server = sides[1]) {
        seen.add(end(sides[0], server, end, round * 5_000L));
      }
    }
    return seen;
  }

  private static String end(Side client, Side server, End end, long nanos) throws Exception {
    exchange(client, server, WARM);
    if (end == End.TIMEOUT) {
      client.readTimeout(5);
    }
    FutureTask<String> reader = new FutureTask<>(() -> outcome(client));
    Thread thread = new Thread(reader);
    thread.start();
    // From before the read begins to after it blocks.
    for (long until = System.nanoTime() + nanos; System.nanoTime() < until; ) {
      Thread.onSpinWait();
    }
    switch (end) {
      case CLOSE -> client.close();
      case INTERRUPT -> thread.interrupt();
      case SHUTDOWN -> client.shutdownInput();
      case TIMEOUT -> {}
    }
    String outcome = reader.get();
    client.close();
    return outcome;
  }

  private static String outcome(Side side) {
    long begin = System.nanoTime();
    try {
      return "read " + side.read();
    } catch (SocketTimeoutException e) {
      boolean early = System.nanoTime() - begin < 5_000_000;
      return e.getMessage() + (early ? " too early" : "");
    } catch (IOException e) {
      // Whether the close came before the read or during it shows in the exception's class.
      return e.getClass()
          .getSimpleName()
          .replaceFirst("^(AsynchronousClose|ClosedChannel)Exception", "closed");
    }
  }
}
