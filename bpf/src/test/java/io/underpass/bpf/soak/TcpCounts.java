package io.underpass.bpf.soak;

import io.underpass.ffm.ChannelCalls;
import io.underpass.ffm.NativeException;
import java.nio.channels.SocketChannel;

/** What the kernel's TCP itself has counted of a connection ({@code struct tcp_info}). */
final class TcpCounts {
  private static final int TCP_INFO = 11;
  private static final int BYTES_RECEIVED = 128; // tcpi_bytes_received
  private static final int SIZE = 136;

  private TcpCounts() {}

  /** Bytes that came by TCP, in order; a FIN that came counts as one. */
  static long received(SocketChannel channel) throws NativeException {
    return ChannelCalls.getOption(Options.fd(channel), ChannelCalls.SOL_TCP, TCP_INFO, SIZE)
        .getLong(BYTES_RECEIVED);
  }
}
