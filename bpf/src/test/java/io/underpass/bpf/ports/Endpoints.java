/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.bpf.ports;

import io.underpass.bpf.Joining;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.MulticastSocket;
import java.net.NetworkInterface;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketAddress;
import java.net.StandardProtocolFamily;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.AsynchronousServerSocketChannel;
import java.nio.channels.AsynchronousSocketChannel;
import java.nio.channels.DatagramChannel;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;

/**
 * Servers and clients of every kind of Java socket. A server answers whoever comes with one line:
 * its name, its own address, and its peer's, as it sees them.
 */
final class Endpoints {
  /** Long enough for a machine that is busy; a test that works does not wait. */
  private static final int PATIENCE_MILLIS = 10_000;

  private Endpoints() {}

  /** What a socket shows of itself. */
  record Shown(AutoCloseable socket, SocketAddress local) {}

  static InetSocketAddress address(String host, int port) {
    return new InetSocketAddress(InetAddress.ofLiteral(host), port);
  }

  /** {@code 127.0.0.1:80}, {@code [::1]:80}. */
  static String text(SocketAddress address) {
    InetSocketAddress inet = (InetSocketAddress) address;
    String host = inet.getAddress().getHostAddress();
    return (host.indexOf(':') < 0 ? host : "[" + host.replaceAll("%.*", "") + "]")
        + ":"
        + inet.getPort();
  }

  private static byte[] line(String name, SocketAddress local, SocketAddress peer) {
    return (name + " at " + text(local) + " to " + text(peer) + "\n")
        .getBytes(StandardCharsets.US_ASCII);
  }

  /** A TCP server; {@code kind} is socket, channel, selected or async, or echo. */
  static Shown serve(String name, String kind, String host, int port, boolean share)
      throws IOException {
    InetSocketAddress at = address(host, port);
    return switch (kind) {
      case "socket" -> {
        ServerSocket server = new ServerSocket();
        server.setOption(StandardSocketOptions.SO_REUSEPORT, share);
        bound(server, () -> server.bind(at));
        loop(
            () -> {
              try (Socket socket = server.accept()) {
                socket
                    .getOutputStream()
                    .write(
                        line(
                            name, socket.getLocalSocketAddress(), socket.getRemoteSocketAddress()));
              }
            });
        yield new Shown(server, server.getLocalSocketAddress());
      }
      case "channel" -> {
        ServerSocketChannel server = ServerSocketChannel.open();
        server.setOption(StandardSocketOptions.SO_REUSEPORT, share);
        bound(server, () -> server.bind(at));
        loop(() -> greet(name, server.accept()));
        yield new Shown(server, server.getLocalAddress());
      }
      case "selected" -> {
        ServerSocketChannel server = ServerSocketChannel.open();
        server.setOption(StandardSocketOptions.SO_REUSEPORT, share);
        bound(server, () -> server.bind(at));
        server.configureBlocking(false);
        Selector selector = Selector.open();
        server.register(selector, SelectionKey.OP_ACCEPT);
        loop(
            () -> {
              selector.select(
                  key -> {
                    try {
                      greet(name, server.accept());
                    } catch (IOException e) {
                      throw new UncheckedIOException(e);
                    }
                  });
            });
        yield new Shown(
            () -> {
              server.close();
              selector.close();
            },
            server.getLocalAddress());
      }
      case "echo" -> {
        ServerSocketChannel server = ServerSocketChannel.open();
        bound(server, () -> server.bind(at));
        loop(() -> echo(Joining.join(server.accept())));
        yield new Shown(server, server.getLocalAddress());
      }
      case "async" -> {
        AsynchronousServerSocketChannel server = AsynchronousServerSocketChannel.open();
        server.setOption(StandardSocketOptions.SO_REUSEPORT, share);
        bound(server, () -> server.bind(at));
        loop(
            () -> {
              try (AsynchronousSocketChannel channel = server.accept().get()) {
                channel
                    .write(
                        ByteBuffer.wrap(
                            line(name, channel.getLocalAddress(), channel.getRemoteAddress())))
                    .get();
              }
            });
        yield new Shown(server, server.getLocalAddress());
      }
      default -> throw new IllegalArgumentException(kind);
    };
  }

  private static void greet(String name, SocketChannel channel) throws IOException {
    try (channel) {
      channel.write(
          ByteBuffer.wrap(line(name, channel.getLocalAddress(), channel.getRemoteAddress())));
    }
  }

  private static void echo(SocketChannel channel) throws IOException {
    try (channel) {
      ByteBuffer block = ByteBuffer.allocate(4096);
      while (channel.read(block.clear()) >= 0) {
        block.flip();
        while (block.hasRemaining()) {
          channel.write(block);
        }
      }
    }
  }

  /** Connects, and tells the server's line, and what the client sees of the two ends. */
  static String connect(String kind, String host, int port, int from) throws Exception {
    InetSocketAddress to = address(host, port);
    switch (kind) {
      case "socket" -> {
        try (Socket socket = new Socket()) {
          if (from != 0) {
            socket.bind(new InetSocketAddress(from));
          }
          socket.connect(to, PATIENCE_MILLIS);
          socket.setSoTimeout(PATIENCE_MILLIS);
          String said = text(socket.getInputStream().readAllBytes());
          return said
              + " seen "
              + text(socket.getLocalSocketAddress())
              + " to "
              + text(socket.getRemoteSocketAddress());
        }
      }
      case "channel" -> {
        try (SocketChannel channel = SocketChannel.open()) {
          if (from != 0) {
            channel.bind(new InetSocketAddress(from));
          }
          channel.connect(to);
          ByteBuffer in = ByteBuffer.allocate(200);
          while (channel.read(in) >= 0) {}
          // The channel keeps what connect was given; the adaptor's socket too.
          return text(in)
              + " seen "
              + text(channel.getLocalAddress())
              + " to "
              + text(channel.getRemoteAddress());
        }
      }
      case "async" -> {
        try (AsynchronousSocketChannel channel = AsynchronousSocketChannel.open()) {
          channel.connect(to).get();
          ByteBuffer in = ByteBuffer.allocate(200);
          while (channel.read(in).get() >= 0) {}
          return text(in)
              + " seen "
              + text(channel.getLocalAddress())
              + " to "
              + text(channel.getRemoteAddress());
        } catch (ExecutionException e) {
          throw (Exception) e.getCause();
        }
      }
      default -> throw new IllegalArgumentException(kind);
    }
  }

  /** A UDP server; {@code kind} is socket or channel. */
  static Shown answer(String name, String kind, String host, int port, boolean share)
      throws IOException {
    InetSocketAddress at = address(host, port);
    if (kind.equals("socket")) {
      DatagramSocket socket = new DatagramSocket(null);
      socket.setOption(StandardSocketOptions.SO_REUSEPORT, share);
      bound(socket, () -> socket.bind(at));
      loop(
          () -> {
            DatagramPacket packet = new DatagramPacket(new byte[200], 200);
            socket.receive(packet);
            packet.setData(line(name, socket.getLocalSocketAddress(), packet.getSocketAddress()));
            socket.send(packet);
          });
      return new Shown(socket, socket.getLocalSocketAddress());
    }
    DatagramChannel channel = DatagramChannel.open();
    channel.setOption(StandardSocketOptions.SO_REUSEPORT, share);
    bound(channel, () -> channel.bind(at));
    loop(
        () -> {
          SocketAddress from = channel.receive(ByteBuffer.allocate(200));
          channel.send(ByteBuffer.wrap(line(name, channel.getLocalAddress(), from)), from);
        });
    return new Shown(channel, channel.getLocalAddress());
  }

  /**
   * Sends a datagram and tells the answer, and from whom it came. {@code kind} is socket, channel,
   * or either with {@code connected-} before it.
   */
  static String ask(String kind, String host, int port, int from) throws Exception {
    InetSocketAddress to = address(host, port);
    boolean connected = kind.startsWith("connected-");
    if (kind.endsWith("socket")) {
      try (DatagramSocket socket = new DatagramSocket(from)) {
        socket.setSoTimeout(PATIENCE_MILLIS);
        DatagramPacket packet = new DatagramPacket(new byte[1], 1);
        if (connected) {
          socket.connect(to);
        } else {
          packet.setSocketAddress(to);
        }
        socket.send(packet);
        DatagramPacket answer = new DatagramPacket(new byte[200], 200);
        socket.receive(answer);
        return text(ByteBuffer.wrap(answer.getData()).position(answer.getLength()))
            + " from "
            + text(answer.getSocketAddress());
      }
    }
    try (DatagramChannel channel = DatagramChannel.open()) {
      if (from != 0) {
        channel.bind(new InetSocketAddress(from));
      }
      ByteBuffer in = ByteBuffer.allocate(200);
      channel.configureBlocking(false);
      if (connected) {
        channel.connect(to);
        channel.write(ByteBuffer.wrap(new byte[1]));
      } else {
        channel.send(ByteBuffer.wrap(new byte[1]), to);
      }
      SocketAddress sender = null;
      long end = System.nanoTime() + PATIENCE_MILLIS * 1_000_000L;
      while (sender == null) {
        if (System.nanoTime() > end) {
          throw new IOException("no answer");
        }
        Thread.sleep(1);
        sender = channel.receive(in);
      }
      return text(in) + " from " + text(sender);
    }
  }

  /** Binds, connects and disconnects a datagram socket, and tells which port it has. */
  static String disconnect(String kind, int to, int from) throws IOException {
    InetSocketAddress peer = address("127.0.0.1", to);
    if (kind.equals("socket")) {
      try (DatagramSocket socket = new DatagramSocket(from)) {
        socket.connect(peer);
        int before = socket.getLocalPort();
        socket.disconnect();
        return before + " before and " + socket.getLocalPort() + " after";
      }
    }
    try (DatagramChannel channel = DatagramChannel.open()) {
      channel.bind(new InetSocketAddress(from));
      channel.connect(peer);
      int before = ((InetSocketAddress) channel.getLocalAddress()).getPort();
      channel.disconnect();
      int after = ((InetSocketAddress) channel.getLocalAddress()).getPort();
      return before + " before and " + after + " after";
    }
  }

  /** A multicast datagram to oneself, over the loopback device; tells who got it, from whom. */
  static String multicast(int port) throws IOException {
    NetworkInterface loopback = NetworkInterface.getByName("lo");
    InetAddress group = InetAddress.ofLiteral("239.213.7.1");
    try (MulticastSocket receiver = new MulticastSocket(port);
        DatagramChannel sender = DatagramChannel.open(StandardProtocolFamily.INET)) {
      receiver.joinGroup(new InetSocketAddress(group, port), loopback);
      receiver.setSoTimeout(PATIENCE_MILLIS);
      sender.setOption(StandardSocketOptions.IP_MULTICAST_IF, loopback);
      sender.bind(address("127.0.0.1", 0));
      sender.send(ByteBuffer.wrap(new byte[1]), new InetSocketAddress(group, port));
      DatagramPacket packet = new DatagramPacket(new byte[1], 1);
      receiver.receive(packet);
      boolean same = packet.getSocketAddress().equals(sender.getLocalAddress());
      return receiver.getLocalPort() + " got it from the sender: " + same;
    }
  }

  /**
   * Connects to an echo server, and has blocks come back whole until it is enough, which is asked
   * now and then.
   */
  static String exchange(int port, Callable<Boolean> enough) throws Exception {
    long end = System.nanoTime() + 3 * PATIENCE_MILLIS * 1_000_000L;
    try (SocketChannel channel = Joining.join(SocketChannel.open(address("127.0.0.1", port)))) {
      ByteBuffer in = ByteBuffer.allocate(1000);
      byte[] sent = new byte[1000];
      for (int i = 0; i % 500 != 499 || !enough.call(); i++) {
        if (System.nanoTime() > end) {
          return "never enough";
        }
        Arrays.fill(sent, (byte) i);
        channel.write(ByteBuffer.wrap(sent));
        in.clear();
        while (in.hasRemaining()) {
          if (channel.read(in) < 0) {
            return "ended after " + i;
          }
        }
        if (!in.flip().equals(ByteBuffer.wrap(sent))) {
          return "wrong bytes in " + i;
        }
      }
      return "enough with " + text(channel.getRemoteAddress());
    }
  }

  private static String text(ByteBuffer in) {
    return StandardCharsets.US_ASCII.decode(in.duplicate().flip()).toString().strip();
  }

  private static String text(byte[] line) {
    return new String(line, StandardCharsets.US_ASCII).strip();
  }

  /** A bind that may fail. */
  @FunctionalInterface
  private interface Step {
    void run() throws Exception;
  }

  private static void bound(AutoCloseable socket, Step bind) throws IOException {
    try {
      bind.run();
    } catch (Exception e) {
      try {
        socket.close();
      } catch (Exception more) {
        e.addSuppressed(more);
      }
      throw e instanceof IOException io ? io : new IOException(e);
    }
  }

  /** Until the socket is closed. */
  private static void loop(Step step) {
    Thread.ofPlatform()
        .daemon()
        .start(
            () -> {
              try {
                while (true) {
                  step.run();
                }
              } catch (Exception e) {
                // Closed: the server is over.
              }
            });
  }
}
