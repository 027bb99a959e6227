/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.agent.child;

import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.net.StandardProtocolFamily;
import java.net.StandardSocketOptions;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.AsynchronousServerSocketChannel;
import java.nio.channels.AsynchronousSocketChannel;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.FutureTask;

/**
 * Does what programs do with sockets, and prints what it sees of it, one line each. The lines are
 * the same in every run, so that a run with the agent can be compared with one without.
 */
public final class Behaviours {
  private static final InetAddress LOOPBACK = InetAddress.getLoopbackAddress();

  private Behaviours() {}

  /** With any argument, prints the agent's beans at the end. */
  public static void main(String[] args) throws Exception {
    say("sockets", Behaviours::sockets);
    say("available", Behaviours::available);
    say("urgent", Behaviours::urgent);
    say("half close", Behaviours::halfClose);
    say("close of a socket with unread bytes", Behaviours::closeUnread);
    say("close of a channel with unread bytes", Behaviours::closeChannelUnread);
    say("close of a socket", () -> afterClose(false));
    say("close of a channel", () -> afterClose(true));
    say("close of a socket that somebody reads", Behaviours::closeWhileReading);
    say("read timeout", Behaviours::timeout);
    say("refused", Behaviours::refused);
    say("channels", Behaviours::channels);
    say("adaptor", Behaviours::adaptor);
    say("selector", Behaviours::selector);
    say("asynchronous", Behaviours::asynchronous);
    say("unix", Behaviours::unix);
    if (VirtualThreads.areThere()) {
      say("virtual threads", () -> onVirtualThread(Behaviours::sockets));
      say("virtual threads, channels", () -> onVirtualThread(Behaviours::channels));
      say("virtual threads, close", () -> onVirtualThread(Behaviours::closeWhileReading));
    }
    if (args.length > 0) {
      Jmx.print();
    }
  }

  private static String sockets() throws Exception {
    try (Pair pair = Pair.ofSockets()) {
      byte[] sent = new byte[100_000];
      new Random(1).nextBytes(sent);
      FutureTask<Void> writer =
          started(
              () -> {
                pair.client.getOutputStream().write(sent);
                return null;
              });
      byte[] seen = pair.server.getInputStream().readNBytes(sent.length);
      writer.get();
      return "equal " + Arrays.equals(sent, seen);
    }
  }

  private static String available() throws Exception {
    try (Pair pair = Pair.ofSockets()) {
      InputStream in = pair.server.getInputStream();
      int before = in.available();
      pair.client.getOutputStream().write(new byte[7]);
      int after = in.available();
      in.read();
      int later = in.available();
      pair.client.shutdownOutput();
      in.readAllBytes();
      int atEnd = in.available();
      pair.server.shutdownInput();
      int shut = in.available();
      pair.server.close();
      return before
          + " "
          + after
          + " "
          + later
          + " "
          + atEnd
          + " "
          + shut
          + " "
          + failure(in::available);
    }
  }

  private static String urgent() throws Exception {
    try (Pair pair = Pair.ofSockets()) {
      pair.server.setOOBInline(true);
      pair.client.getOutputStream().write(1);
      pair.client.sendUrgentData(2);
      pair.client.getOutputStream().write(3);
      String seen = Arrays.toString(pair.server.getInputStream().readNBytes(3));
      try (Pair channels = Pair.ofChannels()) {
        channels.server.setOOBInline(true);
        channels.client.sendUrgentData(4);
        seen += " " + channels.server.getInputStream().read();
      }
      pair.client.close();
      return seen + " " + failure(() -> pair.client.sendUrgentData(5));
    }
  }

  private static String halfClose() throws Exception {
    try (Pair pair = Pair.ofSockets()) {
      pair.client.getOutputStream().write(1);
      pair.client.shutdownOutput();
      String seen = Arrays.toString(pair.server.getInputStream().readAllBytes());
      pair.server.getOutputStream().write(2);
      pair.server.close();
      return seen + " " + Arrays.toString(pair.client.getInputStream().readAllBytes());
    }
  }

  private static String closeUnread() throws Exception {
    try (Pair pair = Pair.ofSockets()) {
      pair.client.getOutputStream().write(1);
      pair.server.getInputStream().available();
      pair.server.close();
      return failure(() -> pair.client.getOutputStream().write(2));
    }
  }

  private static String closeChannelUnread() throws Exception {
    try (Pair pair = Pair.ofChannels()) {
      pair.client.getOutputStream().write(1);
      pair.server.close();
      return failure(() -> pair.client.getInputStream().read());
    }
  }

  private static String afterClose(boolean channel) throws Exception {
    try (Pair pair = channel ? Pair.ofChannels() : Pair.ofSockets()) {
      pair.server.close();
      String read = failure(() -> pair.client.getInputStream().read());
      return read + ", first write " + failure(() -> pair.client.getOutputStream().write(1));
    }
  }

  private static String closeWhileReading() throws Exception {
    try (Pair pair = Pair.ofSockets()) {
      FutureTask<String> reader = started(() -> failure(() -> pair.server.getInputStream().read()));
      Thread.sleep(100);
      pair.server.close();
      return reader.get() + ", other end " + failure(() -> pair.client.getInputStream().read());
    }
  }

  private static String timeout() throws Exception {
    try (Pair pair = Pair.ofSockets()) {
      pair.client.setSoTimeout(20);
      try {
        return "read " + pair.client.getInputStream().read();
      } catch (SocketTimeoutException e) {
        pair.server.getOutputStream().write(9);
        return "timeout, then " + pair.client.getInputStream().read();
      }
    }
  }

  private static String refused() throws Exception {
    int port;
    try (ServerSocket listener = new ServerSocket(0, 1, LOOPBACK)) {
      port = listener.getLocalPort();
    }
    String channel =
        failure(
            () -> {
              try (SocketChannel c = SocketChannel.open(new InetSocketAddress(LOOPBACK, port))) {
                return c.isConnected();
              }
            });
    return channel
        + ", "
        + failure(
            () -> {
              try (Socket s = new Socket(LOOPBACK, port)) {
                return s.isConnected();
              }
            });
  }

  private static String channels() throws Exception {
    try (ServerSocketChannel listener = listener();
        SocketChannel client = SocketChannel.open(listener.getLocalAddress());
        SocketChannel server = listener.accept()) {
      client.setOption(StandardSocketOptions.TCP_NODELAY, true);
      client.write(
          new ByteBuffer[] {ByteBuffer.wrap(new byte[] {1, 2}), ByteBuffer.wrap(new byte[] {3})});
      ByteBuffer seen = ByteBuffer.allocate(3);
      while (seen.hasRemaining()) {
        server.read(seen);
      }
      boolean mirrored = client.getLocalAddress().equals(server.getRemoteAddress());
      return Arrays.toString(seen.array()) + " " + mirrored;
    }
  }

  private static String adaptor() throws Exception {
    try (Pair pair = Pair.ofChannels()) {
      pair.client.getOutputStream().write(new byte[5]);
      return "available " + pair.server.getInputStream().available();
    }
  }

  private static String selector() throws Exception {
    try (Selector selector = Selector.open();
        ServerSocketChannel listener = listener();
        SocketChannel client = SocketChannel.open()) {
      client.configureBlocking(false);
      listener.configureBlocking(false);
      listener.register(selector, SelectionKey.OP_ACCEPT);
      client.register(selector, SelectionKey.OP_CONNECT);
      client.connect(listener.getLocalAddress());
      SocketChannel server = null;
      while (server == null || !client.isConnected()) {
        selector.select();
        for (SelectionKey key : selector.selectedKeys()) {
          if (key.isAcceptable()) {
            server = listener.accept();
          } else if (client.finishConnect()) {
            key.interestOps(0);
          }
        }
        selector.selectedKeys().clear();
      }
      server.configureBlocking(false);
      SelectionKey key = server.register(selector, SelectionKey.OP_READ);
      client.write(ByteBuffer.wrap(new byte[] {42}));
      while (!selector.selectedKeys().contains(key)) {
        selector.select();
      }
      ByteBuffer seen = ByteBuffer.allocate(1);
      server.read(seen);
      server.close();
      selector.selectNow();
      return seen.get(0) + ", then " + client.read(ByteBuffer.allocate(1));
    }
  }

  private static String asynchronous() throws Exception {
    try (AsynchronousServerSocketChannel listener =
            AsynchronousServerSocketChannel.open().bind(new InetSocketAddress(LOOPBACK, 0));
        AsynchronousSocketChannel client = AsynchronousSocketChannel.open()) {
      var accepted = listener.accept();
      client.connect(listener.getLocalAddress()).get();
      try (AsynchronousSocketChannel server = accepted.get()) {
        client.write(ByteBuffer.wrap(new byte[] {8})).get();
        ByteBuffer seen = ByteBuffer.allocate(1);
        server.read(seen).get();
        server.shutdownOutput();
        return seen.get(0) + ", then " + client.read(ByteBuffer.allocate(1)).get();
      }
    }
  }

  private static String unix() throws Exception {
    Path path = Files.createTempDirectory("unix").resolve("s");
    try (ServerSocketChannel listener = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
      listener.bind(UnixDomainSocketAddress.of(path));
      try (SocketChannel client = SocketChannel.open(UnixDomainSocketAddress.of(path));
          SocketChannel server = listener.accept()) {
        client.write(ByteBuffer.wrap(new byte[] {6}));
        ByteBuffer seen = ByteBuffer.allocate(1);
        server.read(seen);
        return "" + seen.get(0);
      }
    } finally {
      Files.deleteIfExists(path);
      Files.delete(path.getParent());
    }
  }

  private static String onVirtualThread(Callable<String> action) throws Exception {
    FutureTask<String> task = new FutureTask<>(action);
    VirtualThreads.start(task);
    return task.get();
  }

  private static ServerSocketChannel listener() throws IOException {
    return ServerSocketChannel.open().bind(new InetSocketAddress(LOOPBACK, 0));
  }

  /** What an action comes to: its result, or the exception with its message. */
  private static String failure(Action action) {
    try {
      return String.valueOf(action.run());
    } catch (Exception e) {
      return e.getClass().getSimpleName() + " " + e.getMessage();
    }
  }

  /** Like the other, for an action without result. */
  private static String failure(Step step) {
    return failure(
        () -> {
          step.run();
          return "done";
        });
  }

  private static <T> FutureTask<T> started(Callable<T> action) {
    FutureTask<T> task = new FutureTask<>(action);
    if (VirtualThreads.isCurrent()) {
      VirtualThreads.start(task);
    } else {
      new Thread(task).start();
    }
    return task;
  }

  private static void say(String what, Callable<String> action) throws Exception {
    System.out.println(what + ": " + action.call());
  }

  private interface Action {
    Object run() throws Exception;
  }

  private interface Step {
    void run() throws Exception;
  }

  /** Two ends of a connection. */
  private record Pair(Socket client, Socket server) implements AutoCloseable {
    static Pair ofSockets() throws IOException {
      try (ServerSocket listener = new ServerSocket(0, 1, LOOPBACK)) {
        Socket client = new Socket(LOOPBACK, listener.getLocalPort());
        return new Pair(client, listener.accept());
      }
    }

    static Pair ofChannels() throws IOException {
      try (ServerSocketChannel listener = listener()) {
        SocketChannel client = SocketChannel.open(listener.getLocalAddress());
        return new Pair(client.socket(), listener.accept().socket());
      }
    }

    @Override
    public void close() throws IOException {
      client.close();
      server.close();
    }
  }
}
