/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.bpf.soak;

import io.underpass.ffm.ChannelCalls;
import io.underpass.ffm.NativeException;
import java.nio.channels.SocketChannel;

/** What the kernel's TCP itself has counted of a connection ({@code struct tcp_info}). */
final class TcpCounts {
  private static final int TCP_INFO = 11;
  private static final int BYTES_RECEIVED = 128; // tcpi_bytes_received
  private static final int SIZE = 136;

  private static final int SOL_SOCKET = 1;
  private static final int SO_MEMINFO = 55;
  private static final int DROPS = 8 * Integer.BYTES; // SK_MEMINFO_DROPS
  private static final int MEMINFO_SIZE = 9 * Integer.BYTES;

  private TcpCounts() {}

  /** Bytes that came by TCP, in order; a FIN that came counts as one. */
  static long received(SocketChannel channel) throws NativeException {
    return ChannelCalls.getOption(Options.fd(channel), ChannelCalls.SOL_TCP, TCP_INFO, SIZE)
        .getLong(BYTES_RECEIVED);
  }

  /** Segments that the socket had no room for. */
  static int dropped(SocketChannel channel) throws NativeException {
    return ChannelCalls.getOption(Options.fd(channel), SOL_SOCKET, SO_MEMINFO, MEMINFO_SIZE)
        .getInt(DROPS);
  }
}
