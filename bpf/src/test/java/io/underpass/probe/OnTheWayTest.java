/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.probe;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.underpass.ffm.FlowLayouts;
import io.underpass.ffm.HeldMemory;
import io.underpass.kernel.BuiltObject;
import io.underpass.probe.ProbeBed.Pair;
import io.underpass.testing.KernelTest;
import io.underpass.testing.TestCgroup;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.Callable;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * A socket is not taken off while a sender is on the way to it, between its verdict and the
 * queueing ({@code take_off}): what it brings would be freed with the psock.
 *
 * <p>The kernel lets the sender sleep there for as long as the socket is locked, which its owner
 * has it while it writes: here from a page that the test holds. A sweep does not wait for the lock,
 * and finds the socket with nothing queued.
 */
@KernelTest
@Timeout(60)
class OnTheWayTest {
  private static final int SIZE = 1000;

  /** After so long no timer of an idle connection is pending: 200 ms is the longest. */
  private static final long QUIET_MILLIS = 500;

  private static final Duration PATIENCE = Duration.ofSeconds(20);

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void aSocketStaysWhileASenderIsOnTheWayToIt(boolean onTheWay) throws Exception {
    try (ProbeBed bed = new ProbeBed(BuiltObject.DATAPATH.image(), TestCgroup.mount(), 0);
        HeldMemory held = new HeldMemory()) {
      Pair pair = redirecting(bed);
      Thread.sleep(QUIET_MILLIS); // while the lock is held, one that is pending counts as a sender
      long before = bed.redirectedBytes(pair.client());
      FutureTask<Integer> owner =
          start("writes", () -> pair.server().write(held.buffer().limit(SIZE)));
      held.awaitAccess(PATIENCE); // and has the lock

      FutureTask<Void> sender = new FutureTask<>(() -> null);
      if (onTheWay) {
        sender = start("sends", () -> send(pair));
        awaitInLock("sends");
        assertEquals(before + SIZE, bed.redirectedBytes(pair.client()), "the verdict");
      }
      bed.pause(true);
      for (int i = 0; i < 10; i++) {
        bed.sweep();
      }
      assertEquals(
          onTheWay ? FlowLayouts.UP_LEAVING : FlowLayouts.UP_PLAIN,
          bed.state(pair.server()),
          "the owner's lock is nobody's matter");
      held.release();

      assertEquals(SIZE, get(owner));
      ByteBuffer got = ByteBuffer.allocate(SIZE);
      while (got.hasRemaining()) {
        assertTrue(pair.client().read(got) > 0);
      }
      if (onTheWay) {
        get(sender);
        pair.there().expect(SIZE);
      }
      awaitOff(bed, pair);
      pair.there().send(SIZE);
      pair.there().expect(SIZE);
    }
  }

  /** A pair of which the client is known to redirect, with nothing unread. */
  private static Pair redirecting(ProbeBed bed) throws IOException, InterruptedException {
    Pair pair = bed.connect();
    bed.adopt(pair);
    long end = System.nanoTime() + PATIENCE.toNanos();
    while (bed.redirectedBytes(pair.client()) == 0) {
      assertTrue(System.nanoTime() < end, "nothing is redirected");
      bed.sweep();
      pair.there().send(1);
      pair.there().expect(1);
      pair.back().send(1);
      pair.back().expect(1);
      Thread.sleep(1);
    }
    return pair;
  }

  /** Nobody is on the way any more; but whoever else walks the table holds it for a moment. */
  private static void awaitOff(ProbeBed bed, Pair pair) throws IOException, InterruptedException {
    long end = System.nanoTime() + PATIENCE.toNanos();
    while (bed.state(pair.server()) != FlowLayouts.UP_PLAIN) {
      assertTrue(System.nanoTime() < end, "it is not taken off");
      bed.sweep();
      Thread.sleep(1);
    }
  }

  private static Void send(Pair pair) throws IOException {
    pair.there().send(SIZE);
    return null;
  }

  private static <T> FutureTask<T> start(String name, Callable<T> call) {
    FutureTask<T> task = new FutureTask<>(call);
    Thread.ofPlatform().daemon().name(name).start(task);
    return task;
  }

  private static <T> T get(FutureTask<T> task) throws Exception {
    return task.get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
  }

  /** Until the thread of that name sleeps for a socket's lock. */
  private static void awaitInLock(String name) throws IOException, InterruptedException {
    long end = System.nanoTime() + PATIENCE.toNanos();
    while (!isInLock(name)) {
      assertTrue(System.nanoTime() < end, () -> name + " does not wait for the lock");
      Thread.sleep(1);
    }
  }

  private static boolean isInLock(String name) throws IOException {
    try (DirectoryStream<Path> threads = Files.newDirectoryStream(Path.of("/proc/self/task"))) {
      for (Path thread : threads) {
        if (Files.readString(thread.resolve("comm")).strip().equals(name)) {
          return Files.readString(thread.resolve("wchan")).contains("lock_sock");
        }
      }
    }
    return false;
  }
}
