/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.bpf;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.underpass.protocol.FlowView;
import io.underpass.protocol.HelperClient;
import io.underpass.testing.HelperProcess;
import io.underpass.testing.KernelTest;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.util.List;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A program is killed with SIGKILL: what its peer reads is the same, plain and accelerated. */
@KernelTest
@Timeout(60)
class KilledProgramTest extends HelperFolders {
  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void whatItHadSentAndNobodyHasReadArrivesBeforeTheEnd(boolean accelerated) throws Exception {
    try (HelperProcess helper = new HelperProcess(socket, pins);
        HelperClient client = Streams.register(socket);
        Sink sink = new Sink(List.of(), socket, 1);
        SocketChannel channel = sink.connect()) {
      warm(sink, client, accelerated, channel);
      FlowView before = Testbed.await(client, channel, _ -> true);
      sink.send(channel);
      FlowView sent =
          Testbed.await(client, channel, f -> received(f) == received(before) + Sink.SENT);
      assertEquals(
          accelerated ? Sink.SENT : 0,
          sent.rx().redirectedBytes() - before.rx().redirectedBytes(),
          sent::toString);
      sink.kill();

      ByteBuffer got = ByteBuffer.allocate(Sink.SENT);
      while (got.hasRemaining()) {
        assertTrue(channel.read(got) > 0, () -> "the end at " + got.position());
      }
      assertEquals(-1, new Bytes(0).firstWrong(got.array(), Sink.SENT, 0));
      assertEquals(-1, channel.read(ByteBuffer.allocate(1)), "the end");
      helper.stop();
    }
  }

  private static long received(FlowView flow) {
    return flow.rx().redirectedBytes() + flow.tcpBytesReceived();
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void aPeerThatWaitsForItIsWokenByTheEnd(boolean accelerated) throws Exception {
    try (HelperProcess helper = new HelperProcess(socket, pins);
        HelperClient client = Streams.register(socket);
        Sink sink = new Sink(List.of(), socket, 2);
        SocketChannel read = sink.connect();
        SocketChannel selected = sink.connect();
        Selector selector = Selector.open()) {
      warm(sink, client, accelerated, read, selected);
      FutureTask<Integer> reader = new FutureTask<>(() -> read.read(ByteBuffer.allocate(1)));
      selected.configureBlocking(false);
      selected.register(selector, SelectionKey.OP_READ);
      FutureTask<Integer> select = new FutureTask<>(selector::select);
      for (FutureTask<Integer> task : List.of(reader, select)) {
        ReconnectTest.awaitSleep(Thread.ofPlatform().daemon().start(task));
      }
      sink.kill();
      assertEquals(-1, reader.get(20, TimeUnit.SECONDS));
      assertEquals(1, select.get(20, TimeUnit.SECONDS));
      assertEquals(-1, selected.read(ByteBuffer.allocate(1)));
      helper.stop();
    }
  }

  private static void warm(
      Sink sink, HelperClient client, boolean accelerated, SocketChannel... channels)
      throws Exception {
    List<SocketChannel> all = List.of(channels);
    sink.exchange(all, 1);
    if (accelerated) {
      sink.exchange(all, 30);
      for (SocketChannel channel : all) {
        Testbed.await(client, channel, FlowView::accelerated);
      }
      // By TCP, until both ends have been seen to be enrolled, and each reader to read.
      for (SocketChannel channel : all) {
        long before;
        FlowView flow = Testbed.await(client, channel, FlowView::accelerated);
        do {
          before = flow.rx().redirectedMessages();
          sink.exchange(all, 5);
          flow = Testbed.await(client, channel, FlowView::accelerated);
        } while (flow.rx().redirectedMessages() < before + 5);
      }
    }
  }
}
