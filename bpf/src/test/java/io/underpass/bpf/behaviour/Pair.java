/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.bpf.behaviour;

import java.io.IOException;

/** Both ends of a connection: the one that connected, and the one that was accepted. */
record Pair(End client, End server) implements AutoCloseable {
  private static final byte[] PING = new byte[10];

  /** A few bytes each way, each read before the next: what was sent by TCP has all been read. */
  void exchange() throws Exception {
    for (int i = 0; i < 3; i++) {
      client.writeAll(PING);
      server.readUpTo(PING.length);
      server.writeAll(PING);
      client.readUpTo(PING.length);
    }
  }

  @Override
  public void close() throws IOException {
    client.close();
    server.close();
  }
}
