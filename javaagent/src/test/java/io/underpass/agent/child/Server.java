/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.agent.child;

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;

/**
 * Holds one connection, and does what its standard input says: {@code exchange} sends a byte there
 * and back, {@code new} makes and closes another connection, {@code addresses} and {@code jmx}
 * print; the end of the input ends it.
 */
public final class Server {
  private Server() {}

  /** No arguments. */
  public static void main(String[] args) throws Exception {
    InetAddress loopback = InetAddress.getLoopbackAddress();
    BufferedReader in =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.US_ASCII));
    try (ServerSocket listener = new ServerSocket(0, 5, loopback);
        Socket client = new Socket(loopback, listener.getLocalPort());
        Socket server = listener.accept()) {
      System.out.println("ready");
      for (String line = in.readLine(); line != null; line = in.readLine()) {
        switch (line) {
          case "exchange" -> {
            client.getOutputStream().write(1);
            server.getOutputStream().write(server.getInputStream().read() + 1);
            System.out.println("got " + client.getInputStream().read());
          }
          case "new" -> {
            try (Socket more = new Socket(loopback, listener.getLocalPort());
                Socket accepted = listener.accept()) {
              System.out.println("new " + (more.getLocalPort() == accepted.getPort()));
            }
          }
          case "addresses" ->
              System.out.println(
                  "127.0.0.1:" + client.getLocalPort() + " 127.0.0.1:" + client.getPort());
          case "jmx" -> {
            Jmx.print();
            System.out.println("end");
          }
          default -> throw new IllegalArgumentException(line);
        }
      }
    }
  }
}
