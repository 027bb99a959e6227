/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.bpf;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.underpass.Reason;
import io.underpass.accel.Tuning;
import io.underpass.datapath.KernelDatapath;
import io.underpass.ffm.BpfMap;
import io.underpass.ffm.ChannelCalls;
import io.underpass.ffm.FlowLayouts;
import io.underpass.ffm.FlowLayouts.Sock;
import io.underpass.host.PeerProcess;
import io.underpass.kernel.BuiltObject;
import io.underpass.protocol.FlowView;
import io.underpass.protocol.HelperClient;
import io.underpass.protocol.HelperState;
import io.underpass.service.Datapath;
import io.underpass.service.Registration;
import io.underpass.testing.HelperProcess;
import io.underpass.testing.KernelTest;
import io.underpass.testing.Pinning;
import io.underpass.testing.TestCgroup;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** One end of a pair cannot be enrolled, or is a member no more: all goes on by TCP, exactly. */
@KernelTest
@Timeout(60)
class HalfPairTest {
  private final Path pins = Pinning.newFolder();
  private final List<String> trouble = new ArrayList<>();

  @AfterEach
  void nothingWentWrong() throws IOException {
    Files.deleteIfExists(pins);
    assertEquals(List.of(), trouble);
  }

  @Test
  void whereTheTableHasRoomForOneEndTheOtherLeavesToo() throws Exception {
    try (KernelDatapath datapath = datapath(pins, Tuning.DEFAULT.withMaxMembers(3));
        Testbed.Pair whole = Testbed.Pair.open("127.0.0.1")) {
      datapath.admit(self());
      await(datapath, whole, FlowView::accelerated);
      try (Testbed.Pair half = Testbed.Pair.open("127.0.0.1")) {
        await(datapath, half, f -> !f.accelerated() && f.reason() == Reason.TABLE_FULL);
        assertEquals(1, everEnrolled(half), "one end had a place");
        assertEquals(2, Testbed.members(pins));
        assertEquals(2, datapath.totals(self()).plain().get(Reason.TABLE_FULL));
        EnrolmentTest.exchange(half, 50);
        EnrolmentTest.exchange(whole, 50);
      }
    }
  }

  /** A verdict of somebody else's is on one end: the kernel lets no second one come to it. */
  @Test
  void whereAnotherSockmapOwnsOneEndTheOtherLeavesToo() throws Exception {
    Path foreign = Pinning.newFolder();
    try (KernelDatapath other = datapath(foreign, Tuning.DEFAULT);
        KernelDatapath datapath = datapath(pins, Tuning.DEFAULT);
        BpfMap senders = map(foreign, "senders");
        Testbed.Pair pair = Testbed.Pair.open("127.0.0.1")) {
      ByteBuffer key = senders.newKey().putLong(0, 1);
      ByteBuffer socket = senders.newValue().putLong(0, ChannelCalls.descriptor(pair.server()));
      assertTrue(senders.update(key, socket, BpfMap.NO_EXIST));
      datapath.admit(self());
      await(datapath, pair, f -> !f.accelerated() && f.reason() == Reason.SOCKMAP_BUSY);
      assertEquals(1, everEnrolled(pair), "one end was free");
      assertEquals(0, Testbed.members(pins));
      assertEquals(2, datapath.totals(self()).plain().get(Reason.SOCKMAP_BUSY));
      EnrolmentTest.exchange(pair, 50);
      assertTrue(senders.delete(key));
      EnrolmentTest.exchange(pair, 50);
      assertEquals(HelperState.RUNNING, other.state());
    }
    Files.deleteIfExists(foreign);
  }

  /** Nothing is queued meanwhile: taking a member off would free that with it. */
  @Test
  void whatIsSentToAnEndThatIsAMemberNoMoreGoesByTcpAndIsCountedSo() throws Exception {
    try (KernelDatapath datapath = datapath(pins, Tuning.DEFAULT);
        BpfMap members = map(pins, "members");
        Testbed.Pair pair = Testbed.Pair.open("127.0.0.1")) {
      datapath.admit(self());
      await(datapath, pair, FlowView::accelerated);
      EnrolmentTest.exchange(pair, 10);
      FlowView before = flowOf(datapath, pair.client());
      EnrolmentTest.exchange(pair, 10);
      FlowView redirecting = flowOf(datapath, pair.client());
      assertEquals(10, messages(redirecting.tx()) - messages(before.tx()), "by redirect");
      FlowView peer = flowOf(datapath, pair.server());

      assertTrue(members.delete(members.newKey().putLong(0, peer.id())));
      EnrolmentTest.exchange(pair, 50);

      FlowView after = flowOf(datapath, pair.client());
      assertEquals(messages(redirecting.tx()), messages(after.tx()), after::toString);
      assertEquals(50, after.tx().passedMessages() - redirecting.tx().passedMessages());
      assertEquals(50_000, after.tx().passedBytes() - redirecting.tx().passedBytes());
      assertEquals(50_000, after.tcpBytesSent() - redirecting.tcpBytesSent());
      assertEquals(50, messages(after.rx()) - messages(redirecting.rx()), "the way back goes on");
    }
  }

  /**
   * As where a helper is killed between the two. What was taken off has a reader that sleeps where
   * it does not look at the psock queue, and the other end would redirect to it, as before, from
   * the moment on at which it is enrolled again.
   */
  @Test
  void anEndThatAKilledHelperTookOffAloneHasTheOtherOneLeaveAndBothComeBack() throws Exception {
    Path folder = Files.createTempDirectory("underpass-test");
    Path socket = folder.resolve("helper.sock");
    byte[] sent = new byte[10_000];
    new Bytes(8).fill(sent, sent.length, 0);
    try (Testbed.Pair pair = Testbed.Pair.open("127.0.0.1")) {
      HelperProcess killed = new HelperProcess(socket, pins);
      try (HelperClient client = Streams.register(socket)) {
        EnrolmentTest.exchange(pair, 50);
        Testbed.await(client, pair.client(), FlowView::accelerated);
        Testbed.await(client, pair.server(), FlowView::accelerated);
        EnrolmentTest.exchange(pair, 5);
        killed.kill();
      }
      long clientThen = enrolledNanos(pair.client());
      long serverThen = enrolledNanos(pair.server());
      takeOff(pair.server());
      FutureTask<byte[]> reader = new FutureTask<>(() -> read(pair.server(), sent.length));
      ReconnectTest.awaitSleep(Thread.ofPlatform().daemon().start(reader));
      try (KernelDatapath next = datapath(pins, Tuning.DEFAULT)) {
        pair.client().write(ByteBuffer.wrap(sent));
        assertArrayEquals(sent, reader.get(10, TimeUnit.SECONDS));
        await(next, pair, FlowView::accelerated);
        assertTrue(enrolledNanos(pair.server()) > serverThen, "it has come back");
        assertTrue(enrolledNanos(pair.client()) > clientThen, "the other one has left as well");
        EnrolmentTest.exchange(pair, 5);
        FlowView before = flowOf(next, pair.client());
        EnrolmentTest.exchange(pair, 10);
        FlowView after = flowOf(next, pair.client());
        assertEquals(10, messages(after.tx()) - messages(before.tx()), "by redirect");
        assertEquals(10, messages(after.rx()) - messages(before.rx()), "the way back too");
      }
    }
    Pinning.remove(folder);
  }

  /** What {@code take_off} does to a socket, without its lock: nothing is on the way. */
  private void takeOff(SocketChannel end) throws IOException {
    try (BpfMap socks = map(pins, "socks");
        BpfMap senders = map(pins, "senders");
        BpfMap members = map(pins, "members")) {
      ByteBuffer record = record(socks, end);
      long id = record.getLong(Sock.ID);
      assertTrue(senders.delete(senders.newKey().putLong(0, id)));
      assertTrue(members.delete(members.newKey().putLong(0, id)));
      record.putInt(Sock.STATE, FlowLayouts.UP_PLAIN);
      record.put(Sock.REASON, (byte) Reason.PAUSED.number());
      assertTrue(socks.update(key(socks, end), record, BpfMap.ANY));
    }
  }

  private long enrolledNanos(SocketChannel end) throws IOException {
    try (BpfMap socks = map(pins, "socks")) {
      return record(socks, end).getLong(Sock.ENROLLED_NS);
    }
  }

  private static ByteBuffer record(BpfMap socks, SocketChannel end) throws IOException {
    ByteBuffer record = socks.newValue();
    assertTrue(socks.lookup(key(socks, end), record));
    return record;
  }

  private static ByteBuffer key(BpfMap socks, SocketChannel end) throws IOException {
    return socks.newKey().putInt(0, ChannelCalls.descriptor(end));
  }

  private static byte[] read(SocketChannel from, int count) throws IOException {
    ByteBuffer got = ByteBuffer.allocate(count);
    while (got.hasRemaining()) {
      assertTrue(from.read(got) > 0, "end of stream");
    }
    return got.array();
  }

  private static long messages(FlowView.Counters direction) {
    return direction.redirectedMessages();
  }

  private KernelDatapath datapath(Path folder, Tuning tuning) throws IOException {
    return new KernelDatapath(folder, TestCgroup.mount(), tuning.withTakeEvery(true), trouble::add);
  }

  static Registration self() throws IOException {
    long ticks = PeerProcess.parseStartTicks(Files.readString(Path.of("/proc/self/stat")));
    return new Registration(7, (int) ProcessHandle.current().pid(), ticks, 0);
  }

  static BpfMap map(Path folder, String name) throws IOException {
    return BpfMap.openPinned(BuiltObject.DATAPATH.pinFolder(folder).resolve(name));
  }

  /** Talks, and has the kernel searched, until both ends are as wanted. */
  static void await(KernelDatapath datapath, Testbed.Pair pair, Predicate<FlowView> wanted)
      throws Exception {
    long end = System.nanoTime() + Testbed.PATIENCE.toNanos();
    do {
      assertTrue(System.nanoTime() < end, () -> "still not as wanted");
      EnrolmentTest.exchange(pair, 5);
      datapath.sweep();
    } while (!wanted.test(flowOf(datapath, pair.client()))
        || !wanted.test(flowOf(datapath, pair.server())));
  }

  private static FlowView flowOf(KernelDatapath datapath, SocketChannel channel)
      throws IOException {
    int local = ((InetSocketAddress) channel.getLocalAddress()).getPort();
    int remote = ((InetSocketAddress) channel.getRemoteAddress()).getPort();
    return datapath.flows(Datapath.ALL, 100).top().stream()
        .filter(f -> f.local().endsWith(":" + local) && f.remote().endsWith(":" + remote))
        .findFirst()
        .orElseThrow();
  }

  /** How many of its ends have been in the tables, if only for a moment. */
  private long everEnrolled(Testbed.Pair pair) throws IOException {
    long count = 0;
    try (BpfMap socks = map(pins, "socks")) {
      for (SocketChannel end : List.of(pair.client(), pair.server())) {
        count += record(socks, end).getLong(Sock.ENROLLED_NS) == 0 ? 0 : 1;
      }
    }
    return count;
  }
}
