/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.agent.child;

import java.io.BufferedReader;
import java.io.FileDescriptor;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.lang.reflect.Method;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketImpl;
import java.nio.channels.FileChannel;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * One side of connections to another JVM: does what its standard input says, one line of answer for
 * each. Connections are numbered as they are made. What is sent tells its position in the stream,
 * so that loss, repetition and reordering show at the first wrong byte.
 */
public final class Talk {
  private static final int MESSAGE = 100;

  private static final int IPPROTO_TCP = 6;
  private static final int TCP_WINDOW_CLAMP = 10;

  private static final List<Connection> CONNECTIONS = new ArrayList<>();

  private Talk() {}

  /** The argument {@code channels} has it use the channels' sockets. */
  public static void main(String[] args) throws Exception {
    boolean channels = args.length > 0 && args[0].equals("channels");
    BufferedReader in =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.US_ASCII));
    try (ServerSocket listener = listener(channels)) {
      System.out.println(listener.getLocalPort());
      for (String line = in.readLine(); line != null; line = in.readLine()) {
        String[] words = line.split(" ", -1);
        int number = words.length > 1 ? Integer.parseInt(words[1]) : 0;
        int count = words.length > 2 ? Integer.parseInt(words[2]) : 0;
        switch (words[0]) {
          case "connect" -> say(add(connect(channels, number)));
          case "accept" -> say(add(listener.accept()));
          case "ask" -> say(CONNECTIONS.get(number).ask(count));
          case "answer" -> say(CONNECTIONS.get(number).answer(count));
          case "write" -> say(CONNECTIONS.get(number).write(count));
          case "read" -> say(CONNECTIONS.get(number).read(count));
          case "available" -> say("" + CONNECTIONS.get(number).in.available());
          case "inline" -> say(CONNECTIONS.get(number).inline());
          case "urgent" -> say(CONNECTIONS.get(number).urgent());
          case "room" -> say(CONNECTIONS.get(number).room());
          case "close" -> say(CONNECTIONS.get(number).close());
          case "last" -> say(CONNECTIONS.get(number).last());
          case "lastread" -> say(CONNECTIONS.get(number).lastRead());
          case "transfer" -> say(CONNECTIONS.get(number).transfer(count));
          case "jmx" -> {
            Jmx.print();
            say("end");
          }
          default -> throw new IllegalArgumentException(line);
        }
      }
    }
  }

  private static ServerSocket listener(boolean channels) throws IOException {
    InetSocketAddress any = new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);
    ServerSocket listener = channels ? ServerSocketChannel.open().socket() : new ServerSocket();
    listener.bind(any, 5);
    return listener;
  }

  private static Socket connect(boolean channels, int port) throws IOException {
    InetSocketAddress there = new InetSocketAddress(InetAddress.getLoopbackAddress(), port);
    return channels
        ? SocketChannel.open(there).socket()
        : new Socket(there.getAddress(), there.getPort());
  }

  private static void say(String line) {
    System.out.println(line);
  }

  private static String add(Socket socket) throws IOException {
    socket.setTcpNoDelay(true); // what is there at a close depends on no timer then
    CONNECTIONS.add(new Connection(socket));
    return "127.0.0.1:" + socket.getLocalPort() + " 127.0.0.1:" + socket.getPort();
  }

  private static final class Connection {
    private final Socket socket;
    private final InputStream in;
    private long sent;
    private long got;

    Connection(Socket socket) throws IOException {
      this.socket = socket;
      this.in = socket.getInputStream();
    }

    /** So many requests, each after the response to the one before. */
    String ask(int times) throws IOException {
      for (int i = 0; i < times; i++) {
        write(MESSAGE);
        read(MESSAGE);
      }
      return "in order";
    }

    String answer(int times) throws IOException {
      for (int i = 0; i < times; i++) {
        read(MESSAGE);
        write(MESSAGE);
      }
      return "in order";
    }

    String write(int bytes) throws IOException {
      byte[] block = new byte[bytes];
      for (int i = 0; i < bytes; i++) {
        block[i] = at(sent++);
      }
      socket.getOutputStream().write(block);
      return "written";
    }

    String read(int bytes) throws IOException {
      byte[] block = in.readNBytes(bytes);
      if (block.length < bytes) {
        throw new AssertionError("the end at " + (got + block.length));
      }
      for (byte one : block) {
        if (one != at(got++)) {
          throw new AssertionError("wrong byte at " + (got - 1));
        }
      }
      return "right";
    }

    /**
     * The size of the receive buffer, and what bounds its window, of which Java knows nothing: this
     * needs {@code java.net} and {@code sun.nio.ch} opened.
     */
    String room() throws Exception {
      Object impl = accessible(Socket.class, "getImpl").invoke(socket);
      Object fd = accessible(SocketImpl.class, "getFileDescriptor").invoke(impl);
      Object clamp =
          accessible(
                  Class.forName("sun.nio.ch.Net"),
                  "getIntOption0",
                  FileDescriptor.class,
                  boolean.class,
                  int.class,
                  int.class)
              .invoke(null, fd, false, IPPROTO_TCP, TCP_WINDOW_CLAMP);
      return socket.getReceiveBufferSize() + " " + clamp;
    }

    private static Method accessible(Class<?> type, String name, Class<?>... parameters)
        throws NoSuchMethodException {
      Method method = type.getDeclaredMethod(name, parameters);
      method.setAccessible(true);
      return method;
    }

    String close() throws IOException {
      socket.close();
      return "closed";
    }

    /** What one more write comes to. */
    String last() {
      try {
        return write(1);
      } catch (IOException e) {
        return e.getMessage();
      }
    }

    /** What one more read comes to. */
    String lastRead() {
      try {
        return "read " + in.read();
      } catch (IOException e) {
        return e.getMessage();
      }
    }

    String inline() throws IOException {
      socket.setOOBInline(true);
      return "inline";
    }

    /** The next byte of the stream, as urgent data. */
    String urgent() throws IOException {
      socket.sendUrgentData(at(sent++));
      return "urgent";
    }

    /** What the transfer of so many bytes of a file comes to; of a channel. */
    String transfer(int bytes) throws IOException {
      Path file = Files.write(Files.createTempFile("talk", ""), new byte[bytes]);
      try (FileChannel from = FileChannel.open(file)) {
        return "transferred " + from.transferTo(0, bytes, socket.getChannel());
      } catch (IOException e) {
        return e.getMessage();
      } finally {
        Files.delete(file);
      }
    }

    private static byte at(long position) {
      return (byte) (position * 7 + (position >>> 8));
    }
  }
}
