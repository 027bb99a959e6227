/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.bpf;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.underpass.Reason;
import io.underpass.accel.Tuning;
import io.underpass.datapath.KernelDatapath;
import io.underpass.ffm.ChannelCalls;
import io.underpass.host.PeerProcess;
import io.underpass.protocol.FlowView;
import io.underpass.protocol.SocketOptions;
import io.underpass.service.Registration;
import io.underpass.testing.KernelTest;
import io.underpass.testing.Pinning;
import io.underpass.testing.TestCgroup;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A full table costs acceleration and nothing else. */
@KernelTest
@Timeout(60)
class FullTableTest {
  private static final int ROOM = 4;
  private static final int PAIRS = 6;

  /** Enough for all pairs, when nobody else is there. */
  private static final int HALVES = 16;

  /**
   * Sockets that wait for an end that nobody asks for: far more than {@code halves} has room for.
   */
  private static final int WAITING = 400;

  private static final byte[] ONE = {1, 0, 0, 0}; // an int; both machines are little-endian

  private final Path pins = Pinning.newFolder();
  private final List<String> trouble = new ArrayList<>();
  private final List<Testbed.Pair> pairs = new ArrayList<>();
  private final List<Testbed.Pair> waiting = new ArrayList<>();

  @AfterEach
  void nothingWentWrong() throws IOException {
    closeAll(pairs);
    closeAll(waiting);
    Files.deleteIfExists(pins);
    assertEquals(List.of(), trouble);
  }

  @Test
  void whatDoesNotFitRunsPlainAndIsCounted() throws Exception {
    try (KernelDatapath datapath = datapath(Tuning.DEFAULT.withMaxMembers(ROOM))) {
      datapath.admit(self());
      for (int i = 0; i < PAIRS; i++) {
        pairs.add(Testbed.Pair.open("127.0.0.1"));
        datapath.sweep();
        datapath.sweep();
      }
      exchange(50);
      List<FlowView> flows = datapath.flows(self().id(), 100).top();
      assertEquals(2 * PAIRS, flows.size());
      long accelerated = flows.stream().filter(FlowView::accelerated).count();
      assertEquals(ROOM, accelerated, flows::toString);
      assertEquals(
          0,
          flows.stream().filter(f -> !f.accelerated() && f.reason() != Reason.TABLE_FULL).count(),
          flows::toString);
      assertEquals(2 * PAIRS - accelerated, datapath.totals(self()).plain().get(Reason.TABLE_FULL));
    }
  }

  /**
   * Where more sockets are known than {@code halves} has room for, those that come later are plain
   * and counted. They become known when there is room and their owner asks again, as it does.
   */
  @Test
  void whatFindsNoRoomToBeKnownRunsPlainIsCountedAndIsKnownOnceThereIsRoom() throws Exception {
    try (KernelDatapath datapath = datapath(Tuning.DEFAULT.withMaxEntries("halves", HALVES))) {
      datapath.admit(self());
      fillHalves();
      for (int i = 0; i < PAIRS; i++) {
        pairs.add(Testbed.Pair.open("127.0.0.1").join()); // asks twice: it counts once
      }
      exchange(50);
      datapath.sweep();
      assertEquals(List.of(), known(datapath, pairs), "the table was not full");
      long expected = WAITING - HALVES + 2 * PAIRS;
      assertEquals(expected, datapath.totals(self()).plain().get(Reason.TABLE_FULL));

      closeAll(waiting);
      datapath.sweep(); // which sees that they have gone
      for (Testbed.Pair pair : pairs) {
        pair.join();
      }
      await(datapath, pairs, FlowView::accelerated);
      exchange(50);
      for (FlowView flow : flows(datapath, pairs)) {
        assertTrue(flow.tx().redirectedMessages() > 40, flow::toString);
      }
    }
  }

  /** No other one can become known meanwhile. */
  @Test
  void anAcceleratedFlowIsTakenOffInSpiteOfAFullTable() throws Exception {
    try (KernelDatapath datapath = datapath(Tuning.DEFAULT.withMaxEntries("halves", HALVES))) {
      datapath.admit(self());
      for (int i = 0; i < PAIRS; i++) {
        pairs.add(Testbed.Pair.open("127.0.0.1"));
        await(datapath, List.of(pairs.getLast()), FlowView::accelerated);
      }
      exchange(50);
      fillHalves();
      for (Testbed.Pair pair : pairs) {
        int fd = ChannelCalls.descriptor(pair.client());
        assertEquals(
            0, ChannelCalls.setOption(fd, SocketOptions.LEVEL, SocketOptions.PIN_TCP, ONE));
        datapath.sweep();
      }
      awaitNobodyWaits(datapath);
      for (FlowView flow : flows(datapath, pairs)) {
        assertFalse(flow.accelerated(), flow::toString);
        assertEquals(Reason.PINNED, flow.reason());
      }
      assertEquals(0, Testbed.members(pins));
      exchange(50);
    }
  }

  private KernelDatapath datapath(Tuning tuning) throws IOException {
    return new KernelDatapath(pins, TestCgroup.mount(), tuning.withTakeEvery(true), trouble::add);
  }

  private static Registration self() throws IOException {
    long ticks = PeerProcess.parseStartTicks(Files.readString(Path.of("/proc/self/stat")));
    return new Registration(7, (int) ProcessHandle.current().pid(), ticks, 0);
  }

  /** Opens connections of which one end is asked for. */
  private void fillHalves() throws IOException {
    try (ServerSocketChannel listener = ServerSocketChannel.open()) {
      listener.bind(new InetSocketAddress("127.0.0.1", 0));
      for (int i = 0; i < WAITING; i++) {
        SocketChannel client = SocketChannel.open(listener.getLocalAddress());
        waiting.add(new Testbed.Pair(Joining.join(client), listener.accept()));
      }
    }
  }

  /** Until nobody waits for his other end any more, or leaves; all pairs talk meanwhile. */
  private void awaitNobodyWaits(KernelDatapath datapath) throws Exception {
    long end = System.nanoTime() + Testbed.PATIENCE.toNanos();
    List<FlowView> flows;
    do {
      assertTrue(System.nanoTime() < end, "there are still some");
      exchange(5);
      datapath.sweep();
      flows = datapath.flows(self().id(), 2 * WAITING).top();
    } while (flows.stream().anyMatch(f -> f.reason() == Reason.UNDECIDED)
        || flows.stream().filter(FlowView::accelerated).count() < Testbed.members(pins));
  }

  private void await(KernelDatapath datapath, List<Testbed.Pair> some, Predicate<FlowView> wanted)
      throws Exception {
    long end = System.nanoTime() + Testbed.PATIENCE.toNanos();
    List<FlowView> flows;
    do {
      datapath.sweep();
      flows = flows(datapath, some);
      List<FlowView> found = flows;
      assertTrue(System.nanoTime() < end, () -> "still not as wanted: " + found);
    } while (!flows.stream().allMatch(wanted));
  }

  /** Of both ends of each. */
  private static List<FlowView> flows(KernelDatapath datapath, List<Testbed.Pair> some)
      throws IOException {
    List<FlowView> flows = known(datapath, some);
    assertEquals(2 * some.size(), flows.size());
    return flows;
  }

  /** Of those ends that the helper knows. */
  private static List<FlowView> known(KernelDatapath datapath, List<Testbed.Pair> some)
      throws IOException {
    List<Ends> ends = new ArrayList<>();
    for (Testbed.Pair pair : some) {
      ends.add(Ends.of(pair));
    }
    return datapath.flows(self().id(), 2 * WAITING).top().stream()
        .filter(f -> ends.stream().anyMatch(e -> e.have(f)))
        .toList();
  }

  private void exchange(int times) throws IOException {
    for (Testbed.Pair pair : pairs) {
      EnrolmentTest.exchange(pair, times);
    }
  }

  private static void closeAll(List<Testbed.Pair> some) throws IOException {
    for (Testbed.Pair pair : some) {
      pair.close();
    }
    some.clear();
  }
}
