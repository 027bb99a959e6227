/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.samples.ports;

import io.underpass.samples.process.Dialogue;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import org.eclipse.jetty.server.Handler;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Response;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import org.eclipse.jetty.util.Callback;
import org.eclipse.jetty.util.thread.QueuedThreadPool;

/** A web server like any other, which says its name. It knows nothing of Underpass. */
public final class GroupServer {

  private GroupServer() {}

  /**
   * Serves until standard input ends.
   *
   * @param args its name, and the port it binds
   */
  public static void main(String[] args) throws Exception {
    Server server = new Server(new QueuedThreadPool(16));
    ServerConnector connector = new ServerConnector(server, 1, 1);
    connector.setPort(Integer.parseInt(args[1]));
    server.addConnector(connector);
    server.setHandler(new Name(args[0]));
    try {
      server.start();
    } catch (IOException e) {
      System.err.println(e.getMessage() + ": " + e.getCause());
      System.exit(1);
    }
    Dialogue.serve(request -> Map.of("port", connector.getLocalPort()));
    server.stop();
  }

  /** Answers with the server's name, and the port that the accepted socket has. */
  private static final class Name extends Handler.Abstract {
    private final String name;

    private Name(String name) {
      this.name = name;
    }

    @Override
    public boolean handle(Request request, Response response, Callback callback) {
      response.setStatus(200);
      String body = name + " " + Request.getLocalPort(request);
      response.write(true, StandardCharsets.UTF_8.encode(body), callback);
      return true;
    }
  }
}
