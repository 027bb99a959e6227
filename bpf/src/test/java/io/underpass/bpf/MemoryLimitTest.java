/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.bpf;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.underpass.protocol.FlowView;
import io.underpass.testing.KernelTest;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * The receivers' memory cgroup is at its limit: where a redirect would make {@code send} fail with
 * ENOMEM (v1), or have the receiver killed for want of memory (v2), the sender is held, as by TCP,
 * and every byte that was taken arrives.
 */
@KernelTest
@Timeout(120)
class MemoryLimitTest {
  private static final int CONNECTIONS = 40;

  private MemoryCgroup cgroup;

  @BeforeEach
  void makeCgroup() throws IOException {
    cgroup = MemoryCgroup.create();
  }

  @AfterEach
  void removeCgroup() throws IOException {
    cgroup.close();
  }

  @Test
  void senderToACgroupAtItsLimitIsHeldAndLosesNothing() throws Exception {
    List<SocketChannel> channels = new ArrayList<>();
    try (Testbed bed = new Testbed(true);
        Sink sink = new Sink(cgroup.prefix(), bed.helper.socket(), CONNECTIONS)) {
      for (int i = 0; i < CONNECTIONS; i++) {
        channels.add(sink.connect());
      }
      sink.exchange(channels, 3);
      for (SocketChannel channel : channels) {
        bed.await(channel, FlowView::accelerated);
      }
      sink.exchange(channels, 5);
      sink.stall(channels);
      assertEquals("stalled", sink.line());
      long redirected = bed.totals().bytesRedirected();
      long limit = cgroup.limit();

      long taken = fill(channels);
      assertTrue(bed.totals().bytesRedirected() > redirected + limit / 8, "hardly any redirected");
      assertTrue(taken > limit, taken + " bytes do not come near the limit");
      assertTrue(cgroup.wasMet(), "the limit was never met");
      for (SocketChannel channel : channels) {
        channel.configureBlocking(true);
        channel.shutdownOutput();
      }
      cgroup.lift();
      assertEquals("right " + taken, sink.readAll());
    } finally {
      for (SocketChannel channel : channels) {
        channel.close();
      }
    }
  }

  /** Writes to each in turn until none takes a byte any more; an error of any write is thrown. */
  private static long fill(List<SocketChannel> channels) throws Exception {
    long[] positions = new long[channels.size()];
    byte[] block = new byte[2000];
    for (SocketChannel channel : channels) {
      channel.configureBlocking(false);
    }
    for (int refusals = 0; refusals < 10; ) {
      boolean any = false;
      for (int i = 0; i < positions.length; i++) {
        new Bytes(i).fill(block, block.length, positions[i]);
        int n = channels.get(i).write(ByteBuffer.wrap(block));
        positions[i] += n;
        any |= n > 0;
      }
      refusals = any ? 0 : refusals + 1;
      if (!any) {
        Thread.sleep(10);
      }
    }
    long sum = 0;
    for (long position : positions) {
      sum += position;
    }
    return sum;
  }
}
