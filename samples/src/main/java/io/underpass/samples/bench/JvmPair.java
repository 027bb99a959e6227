/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.samples.bench;

import io.underpass.samples.process.Child;
import java.nio.file.Path;
import java.util.Map;

/**
 * Two JVMs of one fork, a {@link PeerServer} and a {@link PeerClient}, that serve row after row.
 *
 * @param label which side they are
 * @param unixPath a path that is free, for UNIX-domain sockets
 */
record JvmPair(String label, Child server, Child client, Path unixPath) implements AutoCloseable {

  /**
   * Has the server listen, and tells the client where. The server stops to listen where it did so
   * before.
   *
   * @param request bytes of what the client sends at a time
   * @param response bytes of what the server answers with
   * @param messages of one connection, where the mode counts them
   */
  void join(Transport transport, String mode, int request, int response, int messages) {
    String address =
        server
            .ask(
                Map.of(
                    "verb", "listen",
                    "transport", transport,
                    "address", unixPath.toString(),
                    "mode", mode,
                    "request", request,
                    "response", response,
                    "messages", messages))
            .get("address")
            .asText();
    client.ask(
        Map.of(
            "verb", "aim",
            "transport", transport,
            "address", address,
            "request", request,
            "response", response));
  }

  /** Bytes that both ends sent past the TCP/IP stack, as JMX in each of them says. */
  Carried redirected() {
    return new Carried(redirected(client), redirected(server));
  }

  private static long redirected(Child child) {
    return child.ask(Map.of("verb", "redirected")).get("bytes").asLong();
  }

  @Override
  public void close() {
    client.close();
    server.close();
  }
}
