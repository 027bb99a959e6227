/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.bpf;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.underpass.protocol.FlowView;
import io.underpass.testing.KernelTest;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The flow table keeps no more rows than it is asked for, and those are the right ones. */
@KernelTest
@Timeout(60)
class FlowsTest {
  private static final int PAIRS = 6;
  private static final int STEP = 10_000;

  /** An end that only reads has no bytes of its own: they are in its other end's record. */
  @Test
  void theBusiestAreThoseWithMostBytesEitherWay() throws Exception {
    List<Testbed.Pair> pairs = new ArrayList<>();
    try (Testbed bed = new Testbed(true)) {
      for (int i = 0; i < PAIRS; i++) {
        pairs.add(Testbed.Pair.open("127.0.0.1"));
        bed.awaitAccelerated(pairs.get(i));
      }
      for (int i = 0; i < PAIRS; i++) {
        send(pairs.get(i), (i + 1) * STEP);
      }
      Set<Integer> wanted = new TreeSet<>();
      for (Testbed.Pair busy : pairs.subList(PAIRS - 2, PAIRS)) {
        wanted.add(port(busy.client()));
        wanted.add(port(busy.server()));
      }
      List<FlowView> flows = bed.client.flows(4);
      assertEquals(4, flows.size());
      Set<Integer> found = new TreeSet<>();
      for (FlowView flow : flows) {
        found.add(Integer.parseInt(flow.local().substring(flow.local().lastIndexOf(':') + 1)));
      }
      assertEquals(wanted, found, flows::toString);
      assertEquals(2 * PAIRS, bed.client.flows(1000).size());
    } finally {
      for (Testbed.Pair pair : pairs) {
        pair.close();
      }
    }
  }

  private static void send(Testbed.Pair pair, int bytes) throws IOException {
    EnrolmentTest.exchange(pair, 20);
    for (int sent = 0; sent < bytes; sent += STEP / 10) {
      ByteBuffer block = ByteBuffer.allocate(STEP / 10);
      while (block.hasRemaining()) {
        pair.client().write(block);
      }
      block.clear();
      while (block.hasRemaining()) {
        pair.server().read(block);
      }
    }
  }

  private static int port(SocketChannel channel) throws IOException {
    return ((InetSocketAddress) channel.getLocalAddress()).getPort();
  }
}
