/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.bpf;

import io.underpass.protocol.FlowView;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.channels.SocketChannel;

/** A connection, by its ports. */
record Ends(int client, int server) {
  static Ends of(Testbed.Pair pair) throws IOException {
    return new Ends(port(pair.client()), port(pair.server()));
  }

  private static int port(SocketChannel channel) throws IOException {
    return ((InetSocketAddress) channel.getLocalAddress()).getPort();
  }

  /** Whether the flow is one of the two. */
  boolean have(FlowView flow) {
    return have(port(flow.local()), port(flow.remote()));
  }

  boolean have(int local, int remote) {
    return (local == client && remote == server) || (local == server && remote == client);
  }

  /** The same, as the other end sees it. */
  Ends swapped() {
    return new Ends(server, client);
  }

  private static int port(String endpoint) {
    return Integer.parseInt(endpoint.substring(endpoint.lastIndexOf(':') + 1));
  }
}
