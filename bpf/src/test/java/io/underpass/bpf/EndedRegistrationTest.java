/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.bpf;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.underpass.Reason;
import io.underpass.protocol.HelperClient;
import io.underpass.service.HelperConfig;
import io.underpass.testing.KernelTest;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Why the flows of a process run plain whose registration has ended. */
@KernelTest
@Timeout(60)
class EndedRegistrationTest {
  @Test
  void itsOwnSocketsSayThatTheRegistrationHasEnded() throws Exception {
    try (Testbed bed = new Testbed(true);
        Testbed.Pair pair = Testbed.Pair.open("127.0.0.1");
        HelperClient admin = admin(bed)) {
      bed.awaitAccelerated(pair);
      EnrolmentTest.exchange(pair, 20);
      bed.client.close();
      for (SocketChannel end : new SocketChannel[] {pair.client(), pair.server()}) {
        Testbed.await(admin, end, f -> f.reason() == Reason.NOT_REGISTERED && !f.accelerated());
      }
      EnrolmentTest.exchange(pair, 20);
    }
  }

  @Test
  void theirOtherEndsSayThatNobodyAnswers() throws Exception {
    try (Testbed bed = new Testbed(true);
        HelperClient admin = admin(bed)) {
      Process peer = Testbed.java(Echo.class, bed.helper.socket().toString());
      try (SocketChannel channel = SocketChannel.open(address(peer))) {
        Joining.join(channel);
        bed.await(channel, f -> f.accelerated());
        peer.outputWriter().write("end\n");
        peer.outputWriter().flush();
        assertEquals("ended", peer.inputReader().readLine());
        Testbed.await(admin, channel, f -> f.reason() == Reason.NO_PEER && !f.accelerated());
        EnrolmentTest.send(channel, channel, 100);
      } finally {
        peer.destroyForcibly().waitFor();
      }
    }
  }

  private static HelperClient admin(Testbed bed) throws IOException {
    return HelperClient.connect(HelperConfig.adminSocketOf(bed.helper.socket()), Testbed.PATIENCE);
  }

  private static InetSocketAddress address(Process peer) throws IOException {
    return new InetSocketAddress("127.0.0.1", Integer.parseInt(peer.inputReader().readLine()));
  }

  /** A registered process that echoes, and ends its registration when it reads a line. */
  static final class Echo {
    private Echo() {}

    public static void main(String[] args) throws Exception {
      HelperClient client = Streams.register(Path.of(args[0]));
      Thread.ofPlatform().daemon().start(() -> endOnInput(client));
      try (ServerSocketChannel listener = ServerSocketChannel.open()) {
        listener.bind(new InetSocketAddress("127.0.0.1", 0));
        System.out.println(listener.socket().getLocalPort());
        try (SocketChannel channel = Joining.join(listener.accept())) {
          ByteBuffer block = ByteBuffer.allocate(1000);
          while (channel.read(block.clear()) >= 0) {
            block.flip();
            while (block.hasRemaining()) {
              channel.write(block);
            }
          }
        }
      }
    }

    private static void endOnInput(HelperClient client) {
      try {
        while (System.in.read() != '\n') {
          // The rest of the line.
        }
        client.close();
        System.out.println("ended");
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }
}
