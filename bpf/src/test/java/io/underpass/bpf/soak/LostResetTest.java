/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.bpf.soak;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import org.junit.jupiter.api.Test;

/** What the model excuses is plain TCP's: there is nothing of ours here. */
class LostResetTest {
  private static final int ANNOUNCED = 30_000;
  private static final int TOO_MUCH = 5_000;
  private static final int LOOKS = 20;

  @Test
  void aReaderThatHadNoRoomForASegmentMayNotBeToldOfAReset() throws Exception {
    try (ServerSocketChannel listener = ServerSocketChannel.open()) {
      listener.bind(new InetSocketAddress("::1", 0));
      try (SocketChannel reader = SocketChannel.open(listener.getLocalAddress())) {
        try (SocketChannel writer = listener.accept()) {
          writer.setOption(StandardSocketOptions.TCP_NODELAY, true);
          writer.setOption(StandardSocketOptions.SO_LINGER, 0); // its close is a reset
          writer.write(ByteBuffer.allocate(ANNOUNCED));
          reader.setOption(StandardSocketOptions.SO_RCVBUF, 2048); // less than the window it told
          writer.write(ByteBuffer.allocate(TOO_MUCH));
          writer.write(ByteBuffer.allocate(1));
          reader.configureBlocking(false);
          assertEquals(ANNOUNCED, reader.read(ByteBuffer.allocate(1 << 20)));
        }
        assertTrue(seesReset(reader) || TcpCounts.dropped(reader) > 0, "lost without a drop");
      }
    }
  }

  private static boolean seesReset(SocketChannel reader) throws InterruptedException {
    for (int i = 0; i < LOOKS; i++) {
      try {
        if (reader.read(ByteBuffer.allocate(1 << 20)) != 0) {
          return false; // it got the rest, or an end that was none
        }
      } catch (IOException e) {
        return true;
      }
      Thread.sleep(10);
    }
    return false;
  }
}
