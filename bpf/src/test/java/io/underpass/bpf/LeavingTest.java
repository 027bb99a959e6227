/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.bpf;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.underpass.Reason;
import io.underpass.accel.Tuning;
import io.underpass.datapath.KernelDatapath;
import io.underpass.ffm.BpfMap;
import io.underpass.ffm.ChannelCalls;
import io.underpass.ffm.FlowLayouts;
import io.underpass.ffm.FlowLayouts.Sock;
import io.underpass.protocol.FlowView;
import io.underpass.testing.KernelTest;
import io.underpass.testing.Pinning;
import io.underpass.testing.TestCgroup;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Each end of a flow that goes back to TCP has to know that the other one does. The map in which
 * they tell each other forgets (LRU), and a word may be missed: they leave all the same.
 */
@KernelTest
@Timeout(60)
class LeavingTest {

  private static final byte[] LEFT = {'l', 'e', 'f', 't'};

  private final Path pins = Pinning.newFolder();
  private final List<String> trouble = new ArrayList<>();
  private KernelDatapath datapath;
  private Testbed.Pair pair;

  @BeforeEach
  void accelerate() throws Exception {
    datapath =
        new KernelDatapath(
            pins, TestCgroup.mount(), Tuning.DEFAULT.withTakeEvery(true), trouble::add);
    pair = Testbed.Pair.open("127.0.0.1");
    datapath.admit(HalfPairTest.self());
    HalfPairTest.await(datapath, pair, FlowView::accelerated);
    EnrolmentTest.exchange(pair, 10);
    assertEquals(2, Testbed.members(pins));
  }

  @AfterEach
  void end() throws IOException {
    pair.close();
    datapath.close();
    Files.deleteIfExists(pins);
    assertEquals(List.of(), trouble);
  }

  @Test
  void anEndThatIsHeldByUnreadBytesLeavesThoughTheOtherIsForgotten() throws Exception {
    pair.client().write(ByteBuffer.wrap(LEFT));
    datapath.dismiss(HalfPairTest.self());
    awaitMembers(1);
    forgetHalves();
    assertIsRead(pair.server());
    awaitMembers(0);
    EnrolmentTest.exchange(pair, 10);
  }

  @Test
  void twoEndsThatAreHeldByUnreadBytesLeaveThoughBothAreForgotten() throws Exception {
    pair.client().write(ByteBuffer.wrap(LEFT));
    pair.server().write(ByteBuffer.wrap(LEFT));
    datapath.dismiss(HalfPairTest.self());
    awaitMembers(2);
    forgetHalves();
    assertIsRead(pair.server());
    assertIsRead(pair.client());
    awaitMembers(0);
    EnrolmentTest.exchange(pair, 10);
  }

  /** Its half did not say so when the other one, which took all for settled, looked. */
  @Test
  void theOtherEndLeavesTooThoughItMissedTheWord() throws Exception {
    leave(pair.server());
    awaitMembers(0);
    EnrolmentTest.exchange(pair, 10);
  }

  /** Makes an end leave that tells nobody. */
  private void leave(SocketChannel end) throws IOException {
    try (BpfMap socks = HalfPairTest.map(pins, "socks")) {
      ByteBuffer key = socks.newKey().putInt(0, ChannelCalls.descriptor(end));
      ByteBuffer record = socks.newValue();
      assertTrue(socks.lookup(key, record));
      record
          .putInt(Sock.STATE, FlowLayouts.UP_LEAVING)
          .put(Sock.REASON, (byte) Reason.ONE_WAY.number());
      assertTrue(socks.update(key, record, BpfMap.EXIST));
    }
  }

  private void awaitMembers(int wanted) throws Exception {
    long end = System.nanoTime() + Testbed.PATIENCE.toNanos();
    do {
      assertTrue(System.nanoTime() < end, "never " + wanted + " enrolled");
      datapath.sweep();
    } while (Testbed.members(pins) != wanted);
  }

  /** As if they had been lost: no step may rest on them alone. */
  private void forgetHalves() throws IOException {
    try (BpfMap halves = HalfPairTest.map(pins, "halves")) {
      ByteBuffer key = halves.newKey();
      while (halves.nextKey(null, key)) {
        assertTrue(halves.delete(key));
      }
    }
  }

  private static void assertIsRead(SocketChannel from) throws IOException {
    ByteBuffer in = ByteBuffer.allocate(10);
    from.read(in);
    assertEquals(ByteBuffer.wrap(LEFT), in.flip());
  }
}
