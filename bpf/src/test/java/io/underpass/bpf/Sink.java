/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.bpf;

import io.underpass.protocol.HelperClient;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Scanner;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/**
 * A registered process of its own that accepts connections, answers each message until it is told
 * otherwise, and then reads nothing, until it is told to read all and say if it was right.
 */
final class Sink implements AutoCloseable {
  static final int MESSAGE = 100;

  /** How many bytes of {@code new Bytes(i)} connection number i brings when it is asked to. */
  static final int SENT = 10_000;

  /** What the first byte of a message asks for; 0 for an echo. */
  private static final byte STALL = 1;

  private static final byte SEND = 2;

  private final Process process;
  private final int port;

  /**
   * @param through a command that runs another
   * @param connections that it accepts
   */
  Sink(List<String> through, Path socket, int connections) throws IOException {
    process =
        Testbed.java(
            Sink.class,
            through,
            List.of("-Xmx64m", "-XX:+UseSerialGC"),
            socket.toString(),
            Integer.toString(connections));
    port = Integer.parseInt(line());
  }

  SocketChannel connect() throws IOException {
    return Joining.join(SocketChannel.open(new InetSocketAddress("127.0.0.1", port)));
  }

  long pid() {
    return process.pid();
  }

  /** What it says next. */
  String line() throws IOException {
    return process.inputReader().readLine();
  }

  /** Exchanges so many messages on each connection, one after the other. */
  void exchange(List<SocketChannel> channels, int rounds) throws IOException {
    for (SocketChannel channel : channels) {
      for (int i = 0; i < rounds; i++) {
        ByteBuffer out = ByteBuffer.allocate(MESSAGE);
        channel.write(out);
        readFully(channel, ByteBuffer.allocate(MESSAGE));
        Joining.join(channel);
      }
    }
  }

  /** From here on connection number i is a stream of {@code new Bytes(i)}, which nobody reads. */
  void stall(List<SocketChannel> channels) throws IOException {
    for (SocketChannel channel : channels) {
      channel.write(ByteBuffer.allocate(MESSAGE).put(0, STALL));
      readFully(channel, ByteBuffer.allocate(MESSAGE));
    }
  }

  /** Has it send {@link #SENT} bytes, in ten writes. */
  void send(SocketChannel channel) throws IOException {
    channel.write(ByteBuffer.allocate(MESSAGE).put(0, SEND));
  }

  /** It reads each connection to its end; returns what it says of them. */
  String readAll() throws IOException {
    process.outputWriter().write("read\n");
    process.outputWriter().flush();
    return line();
  }

  /** SIGKILL. */
  void kill() throws InterruptedException {
    process.destroyForcibly().waitFor();
  }

  @Override
  public void close() throws IOException {
    try {
      kill();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private static boolean readFully(SocketChannel channel, ByteBuffer into) throws IOException {
    while (into.hasRemaining()) {
      if (channel.read(into) < 0) {
        return false;
      }
    }
    return true;
  }

  public static void main(String[] args) throws Exception {
    int count = Integer.parseInt(args[1]);
    try (HelperClient client = HelperClient.connect(Path.of(args[0]), Testbed.PATIENCE);
        ServerSocketChannel listener = ServerSocketChannel.open()) {
      client.register("on").orThrow();
      listener.bind(new InetSocketAddress("127.0.0.1", 0), count);
      System.out.println(listener.socket().getLocalPort());
      List<SocketChannel> accepted = new ArrayList<>();
      List<Thread> echoes = new ArrayList<>();
      for (int i = 0; i < count; i++) {
        SocketChannel channel = Joining.join(listener.accept());
        accepted.add(channel);
        Bytes bytes = new Bytes(i);
        echoes.add(Thread.ofVirtual().start(() -> answer(channel, bytes)));
      }
      for (Thread echo : echoes) {
        echo.join();
      }
      System.out.println("stalled");
      new Scanner(System.in, StandardCharsets.US_ASCII).nextLine();
      // All at once: memory that one holds could keep another one's bytes from coming in.
      List<Future<Long>> totals = new ArrayList<>();
      try (ExecutorService readers = Executors.newVirtualThreadPerTaskExecutor()) {
        for (int i = 0; i < count; i++) {
          SocketChannel channel = accepted.get(i);
          Bytes bytes = new Bytes(i);
          totals.add(readers.submit(() -> check(channel, bytes)));
        }
      }
      long total = 0;
      for (Future<Long> one : totals) {
        total += one.get();
      }
      System.out.println("right " + total);
    }
  }

  /** Echoes, until it is told to stall. */
  private static void answer(SocketChannel channel, Bytes bytes) {
    try {
      ByteBuffer message = ByteBuffer.allocate(MESSAGE);
      do {
        if (!readFully(channel, message.clear())) {
          return;
        }
        Joining.join(channel); // tends it, as an agent does
        if (message.get(0) == SEND) {
          send(channel, bytes);
        } else {
          channel.write(message.flip());
        }
      } while (message.get(0) != STALL);
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  private static void send(SocketChannel channel, Bytes bytes) throws IOException {
    byte[] block = new byte[SENT / 10];
    for (int position = 0; position < SENT; position += block.length) {
      bytes.fill(block, block.length, position);
      channel.write(ByteBuffer.wrap(block));
    }
  }

  private static long check(SocketChannel channel, Bytes bytes) throws IOException {
    ByteBuffer block = ByteBuffer.allocate(65536);
    long at = 0;
    while (channel.read(block.clear()) >= 0) {
      int wrong = bytes.firstWrong(block.array(), block.position(), at);
      if (wrong >= 0) {
        throw new AssertionError("wrong byte " + wrong + " after " + at);
      }
      at += block.position();
    }
    return at;
  }
}
