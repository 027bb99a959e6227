/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.agent.child;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.channels.DatagramChannel;
import java.nio.charset.StandardCharsets;

/**
 * An ordinary server, which tells its name to whoever connects, and does what its standard input
 * says: {@code ask} connects to its own port, {@code datagram} sends there, {@code jmx} prints; the
 * end of the input ends it.
 */
public final class PortHolder {
  private PortHolder() {}

  /** Arguments: its name, and the port. */
  public static void main(String[] args) throws Exception {
    InetAddress loopback = InetAddress.getLoopbackAddress();
    int port = Integer.parseInt(args[1]);
    BufferedReader in =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.US_ASCII));
    try (ServerSocket listener = new ServerSocket(port)) {
      Thread server = new Thread(() -> serve(listener, args[0]));
      server.setDaemon(true);
      server.start();
      System.out.println("listening on " + listener.getLocalPort());
      for (String line = in.readLine(); line != null; line = in.readLine()) {
        switch (line) {
          case "ask" -> {
            try (Socket socket = new Socket(loopback, port)) {
              String name =
                  new String(socket.getInputStream().readAllBytes(), StandardCharsets.US_ASCII);
              System.out.println(name + " at " + socket.getPort());
            }
          }
          case "datagram" -> System.out.println(datagram(port));
          case "jmx" -> {
            Jmx.print();
            System.out.println("end");
          }
          default -> throw new IllegalArgumentException(line);
        }
      }
    }
  }

  /** One to oneself, from a socket that is not connected; tells what the receiver saw, and back. */
  private static String datagram(int port) throws IOException {
    InetSocketAddress here = new InetSocketAddress(InetAddress.getLoopbackAddress(), port);
    try (DatagramChannel server = DatagramChannel.open();
        DatagramSocket client = new DatagramSocket(0)) {
      server.bind(here);
      client.setSoTimeout(10_000);
      client.send(new DatagramPacket(new byte[1], 1, here));
      server.send(ByteBuffer.allocate(1), server.receive(ByteBuffer.allocate(1)));
      DatagramPacket answer = new DatagramPacket(new byte[1], 1);
      client.receive(answer);
      return "answered from " + answer.getPort();
    }
  }

  private static void serve(ServerSocket listener, String name) {
    try {
      while (true) {
        try (Socket socket = listener.accept()) {
          socket.getOutputStream().write(name.getBytes(StandardCharsets.US_ASCII));
        }
      }
    } catch (IOException e) {
      // The listener is closed: the program ends.
    }
  }
}
