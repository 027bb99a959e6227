/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.bpf;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.underpass.Reason;
import io.underpass.accel.Tuning;
import io.underpass.datapath.KernelDatapath;
import io.underpass.protocol.Drained;
import io.underpass.protocol.ErrorCode;
import io.underpass.protocol.FlowView;
import io.underpass.protocol.HelperClient;
import io.underpass.protocol.HelperState;
import io.underpass.protocol.WireException;
import io.underpass.service.Registration;
import io.underpass.testing.HelperProcess;
import io.underpass.testing.KernelTest;
import io.underpass.testing.TestCgroup;
import java.io.IOException;
import java.net.SocketException;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * {@code underpass drain}: no byte is lost by it, whoever reads or does not, and nothing is left.
 */
@KernelTest
@Timeout(120)
class DrainTest extends HelperFolders {
  private static final int QUEUED = 3000;

  @Test
  void drainUnderManyStreamsLosesNothingAndLeavesNothing() throws Exception {
    try (HelperProcess helper = new HelperProcess(socket, pins);
        HelperClient client = Streams.register(socket);
        Streams streams = new Streams(50, 1000)) {
      streams.awaitAccelerated(client, 50);
      HelperProcess.Result drain = drain(20);
      assertEquals(0, drain.exit(), drain::out);
      assertTrue(drain.out().contains("nothing is left in the kernel"), drain::out);
      assertEquals(0, helper.awaitEnd());
      HelperProcess.assertNothingLeft(pins);
      assertFalse(Files.exists(socket), "the socket is left");
      streams.awaitRounds(3);
      streams.finish();
    }
  }

  @Test
  void aReaderThatDoesNotReadKeepsItsBytesUntilItDoes() throws Exception {
    Bytes bytes = new Bytes(5);
    byte[] queued = new byte[QUEUED];
    bytes.fill(queued, QUEUED, 0);
    try (Testbed.Pair pair = Testbed.Pair.open("127.0.0.1")) {
      try (HelperProcess helper = new HelperProcess(socket, pins);
          HelperClient client = Streams.register(socket)) {
        EnrolmentTest.exchange(pair, 50);
        Testbed.await(client, pair.client(), FlowView::accelerated);
        Testbed.await(client, pair.server(), FlowView::accelerated);
        EnrolmentTest.exchange(pair, 2);
        pair.client().write(ByteBuffer.wrap(queued));
        FlowView flow = Testbed.await(client, pair.client(), FlowView::accelerated);
        assertTrue(flow.tx().redirectedBytes() >= QUEUED, flow::toString);

        HelperProcess.Result drain = drain(1);
        assertEquals(1, drain.exit(), drain::out);
        assertTrue(drain.out().contains(held(pair)), drain::out);
        assertEquals(0, helper.awaitEnd());
      }
      assertTrue(HelperProcess.left(pins), "taking the pins away would lose what is queued");
      pair.client().write(ByteBuffer.wrap(queued)); // by TCP, behind what is queued
      HelperProcess.Result still = drain(0);
      assertEquals(1, still.exit(), still::out);

      ByteBuffer got = ByteBuffer.allocate(2 * QUEUED);
      while (got.hasRemaining()) {
        assertTrue(pair.server().read(got) > 0, "end of stream");
      }
      assertEquals(-1, bytes.firstWrong(got.array(), QUEUED, 0));
      assertEquals(ByteBuffer.wrap(queued), got.flip().position(QUEUED));

      HelperProcess.Result last = drain(10);
      assertEquals(0, last.exit(), last::out);
      HelperProcess.assertNothingLeft(pins);
      EnrolmentTest.exchange(pair, 50);
    }
    HelperProcess.Result nothing = drain(1);
    assertEquals(0, nothing.exit(), nothing::out);
    assertTrue(nothing.out().startsWith("no helper is there"), nothing::out);
  }

  /** Within what the strictest supervisor gives, 10 s; then it would be SIGKILL. */
  @Test
  void aStopBySignalLeavesWhatNobodyReadsWhereItIsAndNamesIt() throws Exception {
    byte[] queued = new byte[QUEUED];
    new Bytes(6).fill(queued, QUEUED, 0);
    try (Testbed.Pair pair = Testbed.Pair.open("127.0.0.1")) {
      try (HelperProcess helper = new HelperProcess(socket, pins);
          HelperClient client = Streams.register(socket)) {
        EnrolmentTest.exchange(pair, 50);
        Testbed.await(client, pair.client(), FlowView::accelerated);
        Testbed.await(client, pair.server(), FlowView::accelerated);
        EnrolmentTest.exchange(pair, 2);
        pair.client().write(ByteBuffer.wrap(queued));
        FlowView flow = Testbed.await(client, pair.client(), FlowView::accelerated);
        assertTrue(flow.tx().redirectedBytes() >= QUEUED, flow::toString);

        long start = System.nanoTime();
        List<String> said = helper.stopAndListen();
        assertTrue(System.nanoTime() - start < TimeUnit.SECONDS.toNanos(10), "it took too long");
        assertTrue(
            String.join("\n", said).contains("underpass: stop: " + held(pair)), said::toString);
      }
      assertTrue(HelperProcess.left(pins), "taking the pins away would lose what is queued");

      ByteBuffer got = ByteBuffer.allocate(QUEUED);
      while (got.hasRemaining()) {
        assertTrue(pair.server().read(got) > 0, "end of stream");
      }
      assertEquals(ByteBuffer.wrap(queued), got.flip());
      HelperProcess.Result drain = drain(10);
      assertEquals(0, drain.exit(), drain::out);
      HelperProcess.assertNothingLeft(pins);
      EnrolmentTest.exchange(pair, 50);
    }
  }

  @Test
  void statusSaysHowFarItIsAndAReaderThatReadsEndsTheWait() throws Exception {
    try (Testbed bed = new Testbed(true);
        Testbed.Pair pair = Testbed.Pair.open("127.0.0.1")) {
      bed.awaitAccelerated(pair);
      EnrolmentTest.exchange(pair, 2);
      pair.client().write(ByteBuffer.wrap(new byte[QUEUED]));
      try (HelperClient admin = HelperClient.connect(bed.helper.adminSocket(), Testbed.PATIENCE);
          HelperClient looker = HelperClient.connect(bed.helper.adminSocket(), Testbed.PATIENCE)) {
        CompletableFuture<Drained> drained = new CompletableFuture<>();
        Thread.ofPlatform()
            .start(
                () -> {
                  try {
                    drained.complete(admin.drain(600));
                  } catch (IOException e) {
                    drained.completeExceptionally(e);
                  }
                });
        String last = "flows go back to TCP: 1 sockets are still enrolled";
        while (!looker.status().reason().equals(last)) {
          assertFalse(drained.isDone(), "it does not wait for the reader");
          Thread.sleep(5);
        }
        assertEquals(HelperState.STOPPING, looker.status().state());
        pair.server().read(ByteBuffer.allocate(QUEUED));
        assertTrue(drained.get(60, TimeUnit.SECONDS).removed());
      }
      bed.helper.awaitEnd();
      EnrolmentTest.exchange(pair, 2);
    }
  }

  @Test
  void whatDrainsAdmitsNobody() throws Exception {
    List<String> trouble = new ArrayList<>();
    try (KernelDatapath datapath =
        new KernelDatapath(pins, TestCgroup.mount(), Tuning.DEFAULT, trouble::add)) {
      assertTrue(datapath.drain(Duration.ZERO).removed());
      WireException refused =
          assertThrows(
              WireException.class,
              () -> datapath.admit(new Registration(1, (int) ProcessHandle.current().pid(), 0, 0)));
      assertEquals(ErrorCode.UNAVAILABLE, refused.code());
    }
    Files.deleteIfExists(pins);
    assertEquals(List.of(), trouble);
  }

  /** It is in the tables until its program closes it, and no walk by its lock finds it there. */
  @Test
  void aConnectionThatWasResetAndIsNotClosedKeepsNothingInTheKernel() throws Exception {
    try (HelperProcess helper = new HelperProcess(socket, pins);
        HelperClient client = Streams.register(socket);
        Testbed.Pair pair = Testbed.Pair.open("127.0.0.1")) {
      EnrolmentTest.exchange(pair, 50);
      Testbed.await(client, pair.client(), FlowView::accelerated);
      Testbed.await(client, pair.server(), FlowView::accelerated);
      pair.client().setOption(StandardSocketOptions.SO_LINGER, 0);
      pair.client().close();
      assertThrows(
          SocketException.class, () -> pair.server().read(ByteBuffer.allocate(1)), "a reset");
      HelperProcess.Result drain = drain(10);
      assertEquals(0, drain.exit(), drain::out);
      assertEquals(0, helper.awaitEnd());
      HelperProcess.assertNothingLeft(pins);
      assertTrue(pair.server().isOpen());
    }
  }

  /**
   * The way to a helper with another layout of its maps; a blocking server's connections are idle.
   */
  @Test
  void aConnectionWhoseReaderSleepsOverADrainAndAnotherStartIsAcceleratedAgain() throws Exception {
    try (Testbed.Pair pair = Testbed.Pair.open("127.0.0.1")) {
      CompletableFuture<String> read;
      try (HelperProcess helper = new HelperProcess(socket, pins);
          HelperClient client = Streams.register(socket)) {
        EnrolmentTest.exchange(pair, 50);
        Testbed.await(client, pair.client(), FlowView::accelerated);
        Testbed.await(client, pair.server(), FlowView::accelerated);
        read = ReconnectTest.readInSleep(pair.server());
        HelperProcess.Result drain = drain(10);
        assertEquals(0, drain.exit(), drain::out);
        assertEquals(0, helper.awaitEnd());
      }
      try (HelperProcess _ = new HelperProcess(socket, pins);
          HelperClient client = Streams.register(socket)) {
        // Until it has been tried for longer than another sockmap is waited for (may_try_again).
        long end = System.nanoTime() + 2_000_000_000;
        while (System.nanoTime() < end) {
          Testbed.await(client, pair.server(), f -> f.reason() == Reason.UNDECIDED);
          Thread.sleep(5);
        }
        pair.client().write(StandardCharsets.US_ASCII.encode("wake"));
        assertEquals("wake", read.get(20, TimeUnit.SECONDS));
        Testbed.await(client, pair.client(), FlowView::accelerated);
        Testbed.await(client, pair.server(), FlowView::accelerated);
        EnrolmentTest.exchange(pair, 50);
        HelperProcess.Result drain = drain(10);
        assertEquals(0, drain.exit(), drain::out);
      }
    }
  }

  private HelperProcess.Result drain(int wait) throws Exception {
    return HelperProcess.underpass("drain", "--socket", socket, "--pin-dir", pins, "--wait", wait);
  }

  /** How the end that has not read is named. */
  private static String held(Testbed.Pair pair) throws IOException {
    String at = pair.server().getLocalAddress().toString().substring(1);
    return "pid " + ProcessHandle.current().pid() + ": " + at + " has not read " + QUEUED;
  }
}
