/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.agent.child;

import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.concurrent.FutureTask;

/**
 * Asks how much can be read before anybody knows the connection, then uses it for a while, and asks
 * again. Prints the last answer.
 */
public final class Available {
  private static final int EARLY = 100;
  private static final int ROUNDS = 5_000;
  private static final int BYTES = 7;

  private Available() {}

  /** No arguments. */
  public static void main(String[] args) throws Exception {
    try (ServerSocket listener = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
        Socket client = new Socket(listener.getInetAddress(), listener.getLocalPort());
        Socket server = listener.accept()) {
      for (int i = 0; i < EARLY; i++) {
        int before = client.getInputStream().available();
        if (before != 0) {
          throw new AssertionError(before + " bytes that nobody has sent");
        }
      }
      FutureTask<Void> echo =
          new FutureTask<>(
              () -> {
                echo(server);
                return null;
              });
      Thread echoing = new Thread(echo);
      echoing.setDaemon(true);
      echoing.start();
      for (int i = 0; i < ROUNDS; i++) {
        client.getOutputStream().write(i);
        if (client.getInputStream().read() != (i & 0xff)) {
          throw new AssertionError("wrong at " + i);
        }
      }
      echo.get();
      // By TCP from here on: FIONREAD of an accelerated socket does not count these bytes.
      client.sendUrgentData(0);
      client.getOutputStream().write(1);
      server.getInputStream().readNBytes(1);
      client.getOutputStream().write(new byte[BYTES]);
      System.out.println("available " + server.getInputStream().available());
      Jmx.print();
    }
  }

  private static void echo(Socket server) throws IOException {
    InputStream in = server.getInputStream();
    for (int i = 0; i < ROUNDS; i++) {
      server.getOutputStream().write(in.read());
    }
  }
}
