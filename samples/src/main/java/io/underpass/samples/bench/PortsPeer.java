/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.samples.bench;

import com.fasterxml.jackson.databind.JsonNode;
import io.underpass.samples.process.Dialogue;
import java.io.IOException;
import java.lang.invoke.MethodHandle;
import java.lang.management.ManagementFactory;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.channels.DatagramChannel;
import java.util.Map;
import javax.management.InstanceNotFoundException;
import javax.management.JMException;
import javax.management.ObjectName;

/**
 * What port groups are in the way of, one operation at a time. All but the request/response is one
 * thread: nobody is woken and nothing is waited for, so that a hook's cost shows.
 */
public final class PortsPeer {

  /** Of a datagram. */
  static final int SIZE = 1024;

  /** So often between two looks at the clock. */
  private static final int BATCH = 16;

  /** The kernel loses no datagram on loopback while there is room; one that is missing is told. */
  private static final int PATIENCE_MILLIS = 5_000;

  private final InetAddress loopback = InetAddress.getLoopbackAddress();

  /** Null but in the member beside which others are measured. */
  private ServerSocket listener;

  private PortsPeer() {}

  /** Does as it is told until standard input ends. */
  public static void main(String[] args) throws IOException {
    Dialogue.serve(new PortsPeer()::answer);
    System.exit(0); // A thread that answers datagrams need not be waited for.
  }

  /** One operation. */
  @FunctionalInterface
  private interface Operation {
    void run() throws Throwable;
  }

  private Object answer(JsonNode question) throws Exception {
    String verb = question.get("verb").asText();
    if (verb.equals("await")) {
      return Registered.await();
    }
    if (verb.equals("joined")) {
      return Map.of("joined", joined());
    }
    int port = question.get("port").asInt();
    if (verb.equals("serve")) {
      return serve(port);
    }
    if (verb.equals("listen")) {
      return listen(port);
    }
    long nanos = question.get("millis").asLong() * 1_000_000;
    try {
      return switch (verb) {
        case "bind" -> bind(port, nanos);
        case "connect" -> connect(port, nanos);
        case "getsockname" -> name(port, nanos);
        case "udp" -> udp(port, nanos);
        case "request" -> request(port, nanos);
        default -> throw new IllegalArgumentException("unknown: " + question);
      };
    } catch (Exception e) {
      throw e;
    } catch (Throwable e) {
      throw new IllegalStateException(e);
    }
  }

  private static boolean joined() throws JMException {
    try {
      return (boolean)
          ManagementFactory.getPlatformMBeanServer()
              .getAttribute(new ObjectName("io.underpass:type=Ports"), "Joined");
    } catch (InstanceNotFoundException e) {
      return false;
    }
  }

  private static Map<String, Long> repeat(long nanos, Operation operation) throws Throwable {
    long begin = System.nanoTime();
    long now = begin;
    long count = 0;
    while (now - begin < nanos) {
      for (int i = 0; i < BATCH; i++) {
        operation.run();
      }
      count += BATCH;
      now = System.nanoTime();
    }
    return Map.of("count", count, "nanos", now - begin);
  }

  /** A socket that is made, bound, and closed. */
  private Map<String, Long> bind(int port, long nanos) throws Throwable {
    return repeat(nanos, () -> new ServerSocket(port, 1, loopback).close());
  }

  /** The accepting end closes first, so the next connect never finds its port in TIME_WAIT. */
  private Map<String, Long> connect(int port, long nanos) throws Throwable {
    try (ServerSocket listener = new ServerSocket(port, 50, loopback)) {
      return repeat(
          nanos,
          () -> {
            try (Socket _ = new Socket(loopback, port)) {
              listener.accept().close();
            }
          });
    }
  }

  /** The system call alone: sockets of the JDK remember their address after the first one. */
  private Map<String, Long> name(int port, long nanos) throws Throwable {
    try (DatagramChannel channel = DatagramChannel.open()) {
      channel.bind(new InetSocketAddress(loopback, port));
      MethodHandle getsockname = Getsockname.of(channel);
      return repeat(nanos, () -> named(getsockname, port));
    }
  }

  private static void named(MethodHandle getsockname, int port) throws Throwable {
    InetSocketAddress address = (InetSocketAddress) getsockname.invoke();
    if (address.getPort() != port) {
      throw new IOException("it is " + address + " and not port " + port);
    }
  }

  /** Two sockets of this thread, neither connected: every datagram carries an address. */
  private Map<String, Long> udp(int port, long nanos) throws Throwable {
    try (DatagramChannel server = DatagramChannel.open();
        DatagramChannel client = DatagramChannel.open()) {
      InetSocketAddress there = new InetSocketAddress(loopback, port);
      server.bind(there);
      client.bind(new InetSocketAddress(loopback, 0));
      ByteBuffer buffer = ByteBuffer.allocateDirect(SIZE);
      return repeat(
          nanos,
          () -> {
            client.send(buffer.clear(), there);
            var sender = server.receive(buffer.clear());
            server.send(buffer.flip(), sender);
            if (!there.equals(client.receive(buffer.clear())) || buffer.position() != SIZE) {
              throw new IOException("an answer is not from port " + port + ", or not whole");
            }
          });
    }
  }

  /** Has a TCP port, and nothing else, until this process ends. */
  private Map<String, Integer> listen(int port) throws IOException {
    listener = new ServerSocket(port, 1, loopback);
    return Map.of("port", listener.getLocalPort());
  }

  /** Answers every datagram, until this process ends. */
  private Map<String, Integer> serve(int port) throws IOException {
    DatagramChannel server = DatagramChannel.open();
    server.bind(new InetSocketAddress(loopback, port));
    Thread.ofPlatform().daemon().name("udp-server").start(() -> echo(server));
    return Map.of("port", port);
  }

  private static void echo(DatagramChannel server) {
    ByteBuffer buffer = ByteBuffer.allocateDirect(SIZE);
    try (server) {
      while (true) {
        var sender = server.receive(buffer.clear());
        server.send(buffer.flip(), sender);
      }
    } catch (IOException e) {
      System.err.println("the server of datagrams ends: " + e);
    }
  }

  /** Requests to another process that serves, and its answers. */
  private Map<String, Long> request(int port, long nanos) throws Throwable {
    InetSocketAddress there = new InetSocketAddress(loopback, port);
    try (DatagramSocket client = new DatagramSocket(0, loopback)) {
      client.setSoTimeout(PATIENCE_MILLIS);
      var out = new java.net.DatagramPacket(new byte[SIZE], SIZE, there);
      var in = new java.net.DatagramPacket(new byte[SIZE], SIZE);
      return repeat(
          nanos,
          () -> {
            client.send(out);
            client.receive(in);
            if (in.getPort() != port || in.getLength() != SIZE) {
              throw new IOException("an answer is not from port " + port + ", or not whole");
            }
          });
    }
  }
}
