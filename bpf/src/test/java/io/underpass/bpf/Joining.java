/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.bpf;

import io.underpass.ffm.ChannelCalls;
import io.underpass.ffm.Errno;
import io.underpass.protocol.SocketOptions;
import java.io.IOException;
import java.nio.channels.SocketChannel;

/** What the agent does for a connection that has lasted: asks for a record of it. */
public final class Joining {
  private static final byte[] ONE = {1, 0, 0, 0}; // an int; both machines are little-endian

  private Joining() {}

  /** Does nothing where this process is not registered: a registration finds all that there are. */
  public static SocketChannel join(SocketChannel channel) throws IOException {
    boolean _ = asks(channel);
    return channel;
  }

  /** Whether it was granted. */
  static boolean asks(SocketChannel channel) throws IOException {
    int result =
        ChannelCalls.setOption(
            ChannelCalls.descriptor(channel), SocketOptions.LEVEL, SocketOptions.ACCELERATE, ONE);
    if (result != 0 && result != -Errno.ENOPROTOOPT) {
      throw new IOException("setsockopt UP_OPT_ACCELERATE: " + Errno.name(-result));
    }
    return result == 0;
  }
}
