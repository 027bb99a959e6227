/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.bpf;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.underpass.accel.Tuning;
import io.underpass.helper.TunedHelper;
import io.underpass.protocol.FlowView;
import io.underpass.protocol.HelperClient;
import io.underpass.testing.KernelTest;
import io.underpass.testing.Pinning;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.util.SplittableRandom;
import java.util.concurrent.FutureTask;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * What is left of a message whose first part was redirected goes by TCP in a way of its own
 * (pass_after_redirect). The kernel makes one only where the receiver's memory ends in the middle
 * of a message, so here every message that goes by TCP is taken for such a rest.
 */
@KernelTest
class RestTest {
  private static final int BYTES = 40 << 20;
  private static final int LARGEST = 300_000;
  private static final int WARM_MESSAGES = 20;
  private static final int WRITTEN_AT_ONCE = 8 << 20;
  private static final int READ_AT_ONCE = 4 << 20;

  /** Bytes, so far. */
  private final AtomicInteger read = new AtomicInteger();

  @TempDir Path folder;

  @Test
  @Timeout(60)
  void theRestOfAMessageGoesByTcpInOrderAndTheSocketGoesOnSending() throws Exception {
    Tuning tuning = Tuning.DEFAULT.withTakeEvery(true).withKnob("fault", Tuning.Fault.REST.bit);
    Path socket = folder.resolve("helper.sock");
    try (TunedHelper helper = new TunedHelper(socket, Pinning.newFolder(), tuning);
        HelperClient client = HelperClient.connect(socket, Testbed.PATIENCE)) {
      client.register("on").orThrow();
      try (Testbed.Pair pair = Testbed.Pair.open("127.0.0.1")) {
        Testbed.await(client, helper::sweep, pair.client(), FlowView::accelerated);
        Testbed.await(client, helper::sweep, pair.server(), FlowView::accelerated);
        for (int i = 0; i < WARM_MESSAGES; i++) {
          exchange(pair);
        }
        FutureTask<Integer> reader = new FutureTask<>(() -> check(pair.server()));
        Thread.ofPlatform().daemon().start(reader);
        send(pair.client());
        pair.client().shutdownOutput();
        assertEquals(BYTES, reader.get());
        FlowView flow =
            Testbed.await(client, helper::sweep, pair.client(), f -> f.tx().passedMessages() > 0);
        assertTrue(flow.switches() > 4, flow::toString);
        assertTrue(flow.tx().redirectedMessages() > WARM_MESSAGES, flow::toString);
        assertTrue(flow.tx().passedMessages() > WARM_MESSAGES, flow::toString);
        assertEquals(
            BYTES + WARM_MESSAGES,
            flow.tx().redirectedBytes() + flow.tx().passedBytes(),
            flow::toString);
      }
    }
  }

  /** A byte to and fro: each end's reader has passed, and what comes next may be redirected. */
  private static void exchange(Testbed.Pair pair) throws IOException {
    pair.client().write(ByteBuffer.allocate(1));
    pair.server().read(ByteBuffer.allocate(1));
    pair.server().write(ByteBuffer.allocate(1));
    pair.client().read(ByteBuffer.allocate(1));
  }

  /** Waits for the reader now and then, so that the next message may be redirected. */
  private void send(SocketChannel channel) throws Exception {
    SplittableRandom random = new SplittableRandom(1);
    Bytes bytes = new Bytes(1);
    byte[] block = new byte[LARGEST];
    for (int at = 0; at < BYTES; ) {
      int size = Math.min(random.nextInt(1, LARGEST), BYTES - at);
      bytes.fill(block, size, at);
      ByteBuffer out = ByteBuffer.wrap(block, 0, size);
      while (out.hasRemaining()) {
        channel.write(out);
      }
      if (at / WRITTEN_AT_ONCE != (at + size) / WRITTEN_AT_ONCE) {
        while (read.get() < at) {
          Thread.sleep(1);
        }
      }
      at += size;
    }
  }

  /** Reads to the end, with pauses in which what is redirected finds no room. */
  private int check(SocketChannel channel) throws Exception {
    Bytes bytes = new Bytes(1);
    ByteBuffer in = ByteBuffer.allocate(LARGEST);
    int at = 0;
    while (channel.read(in.clear()) >= 0) {
      assertEquals(-1, bytes.firstWrong(in.array(), in.position(), at), "at " + at);
      if (at / READ_AT_ONCE != (at + in.position()) / READ_AT_ONCE) {
        Thread.sleep(30);
      }
      at += in.position();
      read.set(at);
    }
    return at;
  }
}
