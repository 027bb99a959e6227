/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.samples.demo;

import io.underpass.samples.process.Dialogue;
import java.nio.file.Path;
import java.util.Map;
import org.eclipse.jetty.io.Content;
import org.eclipse.jetty.server.Handler;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Response;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import org.eclipse.jetty.server.handler.ContextHandler;
import org.eclipse.jetty.server.handler.ResourceHandler;
import org.eclipse.jetty.util.Callback;
import org.eclipse.jetty.util.resource.ResourceFactory;
import org.eclipse.jetty.util.thread.QueuedThreadPool;

/**
 * A web server like any other: static files under {@code /files/}, and {@code /echo} that gives
 * back what it is sent. It knows nothing of Underpass.
 */
public final class DemoServer {

  private DemoServer() {}

  /**
   * Serves until standard input ends.
   *
   * @param args the folder of the files
   */
  public static void main(String[] args) throws Exception {
    Server server = new Server(new QueuedThreadPool(16));
    ServerConnector connector = new ServerConnector(server, 1, 1);
    connector.setHost("127.0.0.1");
    server.addConnector(connector);

    ResourceHandler files = new ResourceHandler();
    files.setBaseResource(ResourceFactory.of(server).newResource(Path.of(args[0])));
    Handler.Sequence both =
        new Handler.Sequence(
            new ContextHandler(files, "/files"), new ContextHandler(new Echo(), "/echo"));
    server.setHandler(both);
    server.start();
    Dialogue.serve(request -> Map.of("port", connector.getLocalPort()));
    server.stop();
  }

  /** Sends the body of the request back, as it comes in. */
  private static final class Echo extends Handler.Abstract {
    @Override
    public boolean handle(Request request, Response response, Callback callback) {
      response.setStatus(200);
      Content.copy(request, response, callback);
      return true;
    }
  }
}
