/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.bpf;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.underpass.Reason;
import io.underpass.ffm.ChannelCalls;
import io.underpass.ffm.HeldMemory;
import io.underpass.protocol.FlowView;
import io.underpass.protocol.HelperClient;
import io.underpass.protocol.HelperState;
import io.underpass.protocol.SocketOptions;
import io.underpass.testing.KernelTest;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Two threads sleep in page faults while they have their sockets' locks, for as long as the test
 * likes: one of a socket that the helper knows, one of a socket that it does not. Nobody else
 * notices.
 */
@KernelTest
@Timeout(60)
class HeldSocketTest {
  private static final int SIZE = 1000;
  private static final byte[] ONE = {1, 0, 0, 0}; // an int; both machines are little-endian

  /** Far more than any step takes, and far less than the sockets are held. */
  private static final long SOON_MILLIS = 5_000;

  /** Time for several tries to take a socket off. */
  private static final long TRIES_MILLIS = 300;

  @Test
  void oneHeldSocketHoldsNobodyElse() throws Exception {
    try (Testbed bed = new Testbed(true);
        HelperClient admin = HelperClient.connect(bed.helper.adminSocket(), Testbed.PATIENCE);
        HeldMemory strangers = new HeldMemory();
        HeldMemory members = new HeldMemory();
        Testbed.Pair stranger = unknown();
        Testbed.Pair member = Testbed.Pair.open("127.0.0.1");
        Testbed.Pair other = Testbed.Pair.open("127.0.0.1")) {
      bed.awaitAccelerated(member);
      EnrolmentTest.exchange(member, 20);
      stranger.client().write(ByteBuffer.allocate(SIZE));
      FutureTask<Integer> reads =
          start(() -> stranger.server().read(strangers.buffer().limit(SIZE)));
      FutureTask<Integer> writes = start(() -> member.server().write(members.buffer().limit(SIZE)));
      strangers.awaitAccess(Testbed.PATIENCE);
      members.awaitAccess(Testbed.PATIENCE);

      soon("enrolled", () -> awaitAccelerated(bed, other));
      EnrolmentTest.exchange(other, 20);
      soon("listed", () -> assertTrue(admin.flows(100).size() >= 4, "flows"));
      soon("told", () -> assertEquals(HelperState.RUNNING, admin.status().state()));
      soon("looked at", () -> bed.client.claim());
      soon(
          "taken off",
          () -> {
            int fd = ChannelCalls.descriptor(other.client());
            assertEquals(
                0, ChannelCalls.setOption(fd, SocketOptions.LEVEL, SocketOptions.PIN_TCP, ONE));
            bed.await(other.server(), f -> f.reason() == Reason.PINNED && !f.accelerated());
          });
      soon("drained", () -> assertTrue(admin.drain(3).removed(), "all are taken off"));
      assertFalse(reads.isDone() || writes.isDone(), "they were held all the time");

      strangers.release();
      members.release();
      assertEquals(SIZE, reads.get(10, TimeUnit.SECONDS));
      assertEquals(SIZE, writes.get(10, TimeUnit.SECONDS));
      ByteBuffer in = ByteBuffer.allocate(SIZE);
      while (in.hasRemaining()) {
        assertTrue(member.client().read(in) > 0);
      }
      EnrolmentTest.exchange(member, 5);
      EnrolmentTest.exchange(other, 5);
    }
  }

  /** Nobody names a socket again that could not be taken off: the helper has to come back to it. */
  @Test
  void aSocketThatASenderIsOnTheWayToLeavesLater() throws Exception {
    try (Testbed bed = new Testbed(true);
        HeldMemory held = new HeldMemory();
        Testbed.Pair pair = Testbed.Pair.open("127.0.0.1")) {
      Path pins = Path.of(bed.helper.status().bpffs());
      bed.awaitAccelerated(pair);
      EnrolmentTest.exchange(pair, 20);
      FutureTask<Integer> owner = start(() -> pair.server().write(held.buffer().limit(SIZE)));
      held.awaitAccess(Testbed.PATIENCE);
      FutureTask<Integer> sender = start(() -> pair.client().write(ByteBuffer.allocate(SIZE)));
      Thread.sleep(TRIES_MILLIS);
      int fd = ChannelCalls.descriptor(pair.client());
      assertEquals(0, ChannelCalls.setOption(fd, SocketOptions.LEVEL, SocketOptions.PIN_TCP, ONE));
      Thread.sleep(TRIES_MILLIS);
      assertFalse(sender.isDone(), "it is on the way");
      assertTrue(Testbed.members(pins) > 0, "and its receiver stays");

      held.release();
      assertEquals(SIZE, owner.get(10, TimeUnit.SECONDS));
      assertEquals(SIZE, sender.get(10, TimeUnit.SECONDS));
      for (SocketChannel end : List.of(pair.client(), pair.server())) {
        ByteBuffer in = ByteBuffer.allocate(SIZE);
        while (in.hasRemaining()) {
          assertTrue(end.read(in) > 0);
        }
      }
      while (Testbed.members(pins) > 0) {
        Thread.sleep(10);
      }
      EnrolmentTest.exchange(pair, 5);
    }
  }

  private static void awaitAccelerated(Testbed bed, Testbed.Pair pair) throws Exception {
    bed.await(pair.client(), FlowView::accelerated);
    bed.await(pair.server(), FlowView::accelerated);
  }

  /** A pair that nobody has asked for since this JVM has registered. */
  private static Testbed.Pair unknown() throws IOException {
    try (ServerSocketChannel listener = ServerSocketChannel.open()) {
      listener.bind(new InetSocketAddress("127.0.0.1", 0));
      SocketChannel client = SocketChannel.open(listener.getLocalAddress());
      return new Testbed.Pair(client, listener.accept());
    }
  }

  private interface Step {
    void run() throws Exception;
  }

  private static void soon(String what, Step step) throws Exception {
    FutureTask<Void> task =
        start(
            () -> {
              step.run();
              return null;
            });
    try {
      task.get(SOON_MILLIS, TimeUnit.MILLISECONDS);
    } catch (TimeoutException e) {
      throw new AssertionError("nobody is " + what + " while a socket is held", e);
    }
  }

  private static <T> FutureTask<T> start(Callable<T> call) {
    FutureTask<T> task = new FutureTask<>(call);
    Thread.ofPlatform().daemon().start(task);
    return task;
  }
}
