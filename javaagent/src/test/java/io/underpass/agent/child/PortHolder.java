package io.underpass.agent.child;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;

/**
 * An ordinary server, which tells its name to whoever connects, and does what its standard input
 * says: {@code ask} connects to its own port, {@code jmx} prints; the end of the input ends it.
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
          case "jmx" -> {
            Jmx.print();
            System.out.println("end");
          }
          default -> throw new IllegalArgumentException(line);
        }
      }
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
