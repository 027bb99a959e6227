/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.bpf;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.underpass.ffm.ChannelCalls;
import io.underpass.protocol.FlowView;
import io.underpass.protocol.HelperClient;
import io.underpass.testing.KernelTest;
import io.underpass.testing.LeastPrivilege;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.FutureTask;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * A queued message is kernel memory of which no cgroup is charged, whatever its size. So a socket
 * has no more than some of them; what comes then goes by TCP, in order.
 */
@KernelTest
@Timeout(120)
class QueuedMessagesTest {
  /** {@code most_queued} in bpf/maps.bpf.h. */
  private static final int MOST = 128;

  /** At so many after a count it is TCP's turn. */
  private static final int MOST_AFTER_COUNT = MOST - MOST / 4;

  private static final int CONNECTIONS = 300;
  private static final long CGROUP_BYTES = 96 << 20;
  private static final int STREAM_BYTES = 300_000;
  private static final int LARGEST_WRITE = 64;
  private static final int LONGEST_BURST = 600;

  @TempDir Path folder;

  /** What one user's process in a small cgroup can make the kernel hold. */
  @Test
  void singleBytesThatNobodyReadsHoldLittleMemoryBesideTheirCgroup() throws Exception {
    Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwxr-xr-x"));
    Path policy = Files.writeString(folder.resolve("policy"), "allow uid 0\nallow uid 2001\n");
    Path socket = folder.resolve("helper.sock");
    try (Testbed bed =
            new Testbed(
                config -> config.withTakeEvery(true).withSocket(socket).withPolicyFile(policy));
        LimitedCgroup cgroup = new LimitedCgroup(CGROUP_BYTES)) {
      Process hoarder = hoarder(cgroup, socket);
      try {
        assertEquals("ready", hoarder.inputReader().readLine());
        long redirected = redirected(bed);
        long memory = StalledReadersTest.messages();
        assertEquals("written", say(hoarder));
        memory = StalledReadersTest.messages() - memory;
        redirected = redirected(bed) - redirected;
        System.out.printf(
            "%d readers that do not read: %d messages, %d KB of objects%n",
            CONNECTIONS, redirected, memory >> 10);
        assertTrue(redirected <= CONNECTIONS * MOST, redirected + " messages are queued");
        assertTrue(redirected > CONNECTIONS * MOST / 2, redirected + " messages alone");
        assertTrue(memory < CGROUP_BYTES, memory + " bytes are held, and charged to nobody");
        assertEquals("right", say(hoarder));
      } finally {
        hoarder.destroyForcibly().waitFor();
      }
    }
  }

  private Process hoarder(LimitedCgroup cgroup, Path socket) throws IOException {
    Path classes = folder.resolve("classes");
    ReadableClasses.copy(classes, List.of(Hoarder.class, ChannelCalls.class, HelperClient.class));
    List<String> command = new ArrayList<>(cgroup.prefix());
    command.addAll(LeastPrivilege.stranger(2001));
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of("-Xmx32m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"));
    command.add("--enable-native-access=ALL-UNNAMED");
    command.add("--add-opens=java.base/sun.nio.ch=ALL-UNNAMED");
    command.addAll(List.of("-cp", classes.toString(), Hoarder.class.getName()));
    command.addAll(List.of(socket.toString(), Integer.toString(CONNECTIONS)));
    return new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
  }

  private static String say(Process hoarder) throws IOException {
    hoarder.outputWriter().write("go on\n");
    hoarder.outputWriter().flush();
    return hoarder.inputReader().readLine();
  }

  private static long redirected(Testbed bed) {
    return bed.helper.flows(2 * CONNECTIONS).stream()
        .mapToLong(flow -> flow.tx().redirectedMessages())
        .sum();
  }

  /** Nobody else adds to the queue, so it is known to a message. */
  @Test
  void theBoundIsExactAndIsLiftedWhenAllIsRead() throws Exception {
    try (Testbed bed = new Testbed(true);
        Testbed.Pair pair = Testbed.Pair.open("127.0.0.1")) {
      bed.awaitAccelerated(pair);
      EnrolmentTest.exchange(pair, 3);
      Bytes bytes = new Bytes(11);
      long before = redirected(bed, pair);
      write(pair.client(), bytes, 0, MOST);
      assertEquals(MOST, redirected(bed, pair) - before, "all of them fit");
      write(pair.client(), bytes, MOST, 100);
      assertEquals(MOST, redirected(bed, pair) - before, "one too many goes by TCP");

      // In the middle, and up to the last redirected byte: others are still on their way by TCP.
      read(pair.server(), bytes, 0, MOST / 2);
      write(pair.client(), bytes, MOST + 100, 100);
      read(pair.server(), bytes, MOST / 2, MOST / 2);
      write(pair.client(), bytes, MOST + 200, 100);
      assertEquals(MOST, redirected(bed, pair) - before, "nothing overtakes");
      read(pair.server(), bytes, MOST, 300);

      awaitRedirect(bed, pair);
      before = redirected(bed, pair);
      EnrolmentTest.exchange(pair, 10);
      assertEquals(10, redirected(bed, pair) - before, "it is accelerated again");
      before = redirected(bed, pair);
      write(pair.client(), bytes, 0, MOST + 1);
      assertEquals(MOST, redirected(bed, pair) - before, "up to the same bound");
      read(pair.server(), bytes, 0, MOST + 1);
    }
  }

  /** A reader that is never far behind, and never has read all, keeps the flow redirected. */
  @Test
  void queueThatIsNeverEmptyIsCounted() throws Exception {
    try (Testbed bed = new Testbed(true);
        Testbed.Pair pair = Testbed.Pair.open("127.0.0.1")) {
      bed.awaitAccelerated(pair);
      EnrolmentTest.exchange(pair, 3);
      Bytes bytes = new Bytes(12);
      int behind = MOST_AFTER_COUNT - 1;
      long before = redirected(bed, pair);
      write(pair.client(), bytes, 0, behind);
      for (int i = 0; i < 10 * MOST; i++) {
        read(pair.server(), bytes, i, 1);
        write(pair.client(), bytes, behind + i, 1);
      }
      assertEquals(behind + 10 * MOST, redirected(bed, pair) - before);
      write(pair.client(), bytes, behind + 10 * MOST, MOST);
      long queued = redirected(bed, pair) - before - 10 * MOST;
      assertTrue(queued >= behind && queued <= MOST, queued + " are queued");
      read(pair.server(), bytes, 10 * MOST, behind + MOST);
    }
  }

  /** Bursts of small messages in both directions, to readers that take little at a time. */
  @Test
  void everyByteArrivesInOrderWhileTheBoundIsReached() throws Exception {
    try (Testbed bed = new Testbed(true);
        Testbed.Pair pair = Testbed.Pair.open("127.0.0.1")) {
      bed.awaitAccelerated(pair);
      EnrolmentTest.exchange(pair, 3);
      List<FutureTask<Void>> parts =
          List.of(
              start(() -> stream(pair.client(), new Bytes(13))),
              start(() -> stream(pair.server(), new Bytes(14))),
              start(() -> readSlowly(pair.server(), new Bytes(13))),
              start(() -> readSlowly(pair.client(), new Bytes(14))));
      for (FutureTask<Void> part : parts) {
        part.get();
      }
      for (SocketChannel end : List.of(pair.client(), pair.server())) {
        FlowView flow = bed.flowOf(end);
        assertTrue(flow.accelerated(), flow::toString);
        // How often it comes back is a matter of how the threads get their turns.
        assertTrue(flow.tx().passedMessages() > MOST, flow::toString);
        assertTrue(flow.tx().redirectedMessages() > 2 * MOST, flow::toString);
        assertTrue(flow.switches() > 4, flow::toString);
      }
    }
  }

  private static FutureTask<Void> start(Part part) {
    FutureTask<Void> task =
        new FutureTask<>(
            () -> {
              part.run();
              return null;
            });
    Thread.ofPlatform().daemon().start(task);
    return task;
  }

  /** What one thread does. */
  @FunctionalInterface
  private interface Part {
    void run() throws Exception;
  }

  private static void stream(SocketChannel to, Bytes bytes) throws Exception {
    SplittableRandom random = new SplittableRandom(bytes.at(0));
    for (int at = 0; at < STREAM_BYTES; ) {
      for (int i = random.nextInt(LONGEST_BURST); i > 0 && at < STREAM_BYTES; i--) {
        int size = Math.min(random.nextInt(1, LARGEST_WRITE), STREAM_BYTES - at);
        byte[] block = new byte[size];
        bytes.fill(block, size, at);
        at += to.write(ByteBuffer.wrap(block));
      }
      Thread.sleep(random.nextInt(20));
    }
  }

  private static void readSlowly(SocketChannel from, Bytes bytes) throws Exception {
    SplittableRandom random = new SplittableRandom(bytes.at(1));
    for (int at = 0; at < STREAM_BYTES; ) {
      int most = random.nextInt(8) == 0 ? 65_536 : random.nextInt(1, 2 * LARGEST_WRITE);
      ByteBuffer got = ByteBuffer.allocate(Math.min(most, STREAM_BYTES - at));
      int n = from.read(got);
      assertTrue(n > 0, "end of stream at " + at);
      assertEquals(-1, bytes.firstWrong(got.array(), n, at), "wrong byte after " + at);
      at += n;
      if (random.nextInt(200) == 0) {
        Thread.sleep(random.nextInt(20));
      }
    }
  }

  private static long redirected(Testbed bed, Testbed.Pair pair) throws IOException {
    return bed.flowOf(pair.client()).tx().redirectedMessages();
  }

  /** The last byte that went by TCP may not be acknowledged yet. */
  private static void awaitRedirect(Testbed bed, Testbed.Pair pair) throws IOException {
    long end = System.nanoTime() + Testbed.PATIENCE.toNanos();
    long before = redirected(bed, pair);
    while (redirected(bed, pair) == before) {
      assertTrue(System.nanoTime() < end, "nothing is redirected any more");
      EnrolmentTest.exchange(pair, 1);
    }
  }

  /** Single bytes. */
  private static void write(SocketChannel to, Bytes bytes, long from, int count)
      throws IOException {
    for (int i = 0; i < count; i++) {
      to.write(ByteBuffer.wrap(new byte[] {bytes.at(from + i)}));
    }
  }

  private static void read(SocketChannel from, Bytes bytes, long position, int count)
      throws IOException {
    ByteBuffer got = ByteBuffer.allocate(count);
    while (got.hasRemaining()) {
      assertTrue(from.read(got) > 0, "end of stream");
    }
    assertEquals(-1, bytes.firstWrong(got.array(), count, position), "after " + position);
  }
}
