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

  /** Has the server listen, and tells the client where. */
  void join(Transport transport, String mode, int size, int messages) {
    String address =
        server
            .ask(
                Map.of(
                    "verb", "listen",
                    "transport", transport,
                    "address", unixPath.toString(),
                    "mode", mode,
                    "size", size,
                    "messages", messages))
            .get("address")
            .asText();
    client.ask(Map.of("verb", "aim", "transport", transport, "address", address, "size", size));
  }

  /** Bytes that both ends sent past the TCP/IP stack, as JMX in each of them says. */
  long redirected() {
    return redirected(server) + redirected(client);
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
