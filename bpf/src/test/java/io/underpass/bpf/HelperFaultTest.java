/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.bpf;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.underpass.ffm.BpfLink;
import io.underpass.kernel.BuiltObject;
import io.underpass.protocol.FlowView;
import io.underpass.protocol.HelperClient;
import io.underpass.service.HelperConfig;
import io.underpass.testing.HelperProcess;
import io.underpass.testing.KernelTest;
import io.underpass.testing.TestCgroup;
import java.io.IOException;
import java.net.SocketException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The helper dies, comes back, and stops, under flows that know nothing of it. */
@KernelTest
class HelperFaultTest extends HelperFolders {
  private static final int STREAMS = 150;

  @Test
  void flowsSurviveTheHelpersDeathAndAreAdopted() throws Exception {
    try (Testbed.Pair old = Testbed.Pair.open("127.0.0.1")) {
      HelperProcess first = new HelperProcess(socket, pins);
      try (HelperClient client = Streams.register(socket)) {
        EnrolmentTest.exchange(old, 50);
        Testbed.await(client, old.client(), FlowView::accelerated);
        first.kill();
        assertTrue(HelperProcess.left(pins), "nothing is pinned");
        List<String> left = HelperProcess.objectsLeft(pins);
        for (String kind : List.of("map ", "program ", "link ")) {
          assertTrue(left.stream().anyMatch(o -> o.startsWith(kind)), () -> kind + left);
        }
        EnrolmentTest.exchange(old, 500);
      }
      try (HelperProcess second = new HelperProcess(socket, pins);
          HelperClient client = Streams.register(socket);
          Testbed.Pair young = Testbed.Pair.open("127.0.0.1")) {
        FlowView adopted = Testbed.await(client, old.client(), FlowView::accelerated);
        assertTrue(adopted.tx().redirectedMessages() > 400, adopted::toString);
        EnrolmentTest.exchange(old, 50);
        EnrolmentTest.exchange(young, 50);
        Testbed.await(client, young.client(), FlowView::accelerated);
        EnrolmentTest.exchange(young, 50);
        second.stop();
      }
      HelperProcess.assertNothingLeft(pins);
      EnrolmentTest.exchange(old, 50); // by TCP again
    }
  }

  @Test
  @Timeout(120)
  void hundredsOfStreamsOutliveHelpersThatAreKilledReplacedAndUpgraded() throws Exception {
    try (Streams streams = new Streams(STREAMS, 500)) {
      Sums before;
      HelperProcess first = new HelperProcess(socket, pins);
      try (HelperClient client = Streams.register(socket)) {
        streams.awaitAccelerated(client, 2 * STREAMS);
        before = awaitRedirected(client);
        first.kill();
      }
      streams.awaitRounds(3);
      int program = programOf("up_setsockopt");
      HelperProcess second = new HelperProcess(socket, pins);
      assertNotEquals(program, programOf("up_setsockopt"), "the link has the new program");
      try (HelperClient client = Streams.register(socket)) {
        streams.awaitAccelerated(client, 2 * STREAMS);
        Sums adopted = Sums.of(client);
        assertEquals(before.passed, adopted.passed, "by TCP, after all were redirected");
        assertEquals(before.switches, adopted.switches, "taken back, and up again");
        assertTrue(adopted.redirected >= before.redirected + 2 * 3 * STREAMS, adopted::toString);
        acceleratesNewOnes(client);
        second.kill();
      }
      streams.awaitRounds(3);
      program = programOf("up_setsockopt");
      try (HelperProcess third = UpgradedHelper.start(socket, pins)) {
        assertNotEquals(program, programOf("up_setsockopt"), "the link has the new program");
        try (HelperClient client = Streams.register(socket)) {
          streams.awaitAccelerated(client, 2 * STREAMS);
          acceleratesNewOnes(client);
          streams.awaitRounds(3);
          third.stop();
        }
      }
      HelperProcess.assertNothingLeft(pins);
      streams.awaitRounds(3);
      streams.finish();
    }
  }

  /** Messages of all flows, and how often their directions have changed carrier. */
  private record Sums(long redirected, long passed, long switches) {
    static Sums of(HelperClient client) throws IOException {
      long redirected = 0;
      long passed = 0;
      long switches = 0;
      for (FlowView flow : client.flows(1000)) {
        redirected += flow.tx().redirectedMessages();
        passed += flow.tx().passedMessages();
        switches += flow.switches();
      }
      return new Sums(redirected, passed, switches);
    }
  }

  /** Until each direction is redirected: nothing has passed since the last look but one. */
  private static Sums awaitRedirected(HelperClient client) throws Exception {
    Sums last = Sums.of(client);
    long end = System.nanoTime() + Testbed.PATIENCE.toNanos();
    while (true) {
      Thread.sleep(100);
      Sums now = Sums.of(client);
      long sent = now.redirected - last.redirected;
      if (sent > 2 * 2 * STREAMS && now.passed == last.passed && now.switches == last.switches) {
        return now;
      }
      assertTrue(System.nanoTime() < end, () -> now + " is not all redirected");
      last = now;
    }
  }

  private static void acceleratesNewOnes(HelperClient client) throws Exception {
    try (Testbed.Pair young = Testbed.Pair.open("127.0.0.1")) {
      EnrolmentTest.exchange(young, 50);
      Testbed.await(client, young.client(), FlowView::accelerated);
      EnrolmentTest.exchange(young, 50);
      FlowView flow = Testbed.await(client, young.client(), FlowView::accelerated);
      assertTrue(flow.tx().redirectedMessages() > 40, flow::toString);
    }
  }

  /** Of what is attached to this process's cgroup. */
  private int programOf(String name) throws IOException {
    String link = "link_" + TestCgroup.ownId() + "_" + name;
    try (BpfLink pinned = BpfLink.openPinned(BuiltObject.DATAPATH.pinFolder(pins).resolve(link))) {
      return pinned.programId();
    }
  }

  /** What its peers see, plain and accelerated, and what is left of it. */
  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void aProgramThatIsKilledVanishesFromTheTables(boolean accelerated) throws Exception {
    List<SocketChannel> channels = new ArrayList<>();
    try (HelperProcess helper = new HelperProcess(socket, pins);
        HelperClient client = Streams.register(socket);
        HelperClient admin =
            HelperClient.connect(HelperConfig.adminSocketOf(socket), Testbed.PATIENCE);
        Sink sink = new Sink(List.of(), socket, 4)) {
      for (int i = 0; i < 4; i++) {
        channels.add(sink.connect());
      }
      sink.exchange(channels, 1);
      if (accelerated) {
        sink.exchange(channels, 30);
        for (SocketChannel channel : channels) {
          Testbed.await(client, channel, FlowView::accelerated);
        }
        sink.exchange(channels, 5);
        assertEquals(8, Testbed.members(pins));
      }
      sink.kill();
      for (SocketChannel channel : channels) {
        assertEquals(-1, channel.read(ByteBuffer.allocate(1)), "the end, as by TCP");
        channel.close();
      }
      long end = System.nanoTime() + Testbed.PATIENCE.toNanos();
      while (Testbed.members(pins) > 0
          || admin.status().flows() > 0
          || admin.status().registrations() > 1) {
        assertTrue(System.nanoTime() < end, () -> "something of it is left");
        Thread.sleep(10);
      }
      helper.stop();
    }
  }

  /**
   * With bytes unread: TCP resets at once; where they were redirected the kernel sends a FIN, and
   * the reset comes at the next write (docs/faults.md, "Not as TCP").
   */
  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void thePeerOfAKilledProgramThatHadNotReadIsResetAtTheLatestWhenItWrites(boolean accelerated)
      throws Exception {
    try (HelperProcess helper = new HelperProcess(socket, pins);
        HelperClient client = Streams.register(socket);
        Sink sink = new Sink(List.of(), socket, 1);
        SocketChannel channel = sink.connect()) {
      sink.exchange(List.of(channel), 1);
      if (accelerated) {
        sink.exchange(List.of(channel), 30);
        Testbed.await(client, channel, FlowView::accelerated);
        sink.exchange(List.of(channel), 5);
      }
      sink.stall(List.of(channel));
      channel.write(ByteBuffer.allocate(1000));
      sink.kill();
      if (accelerated) {
        assertEquals(-1, channel.read(ByteBuffer.allocate(1)));
      } else {
        assertThrows(SocketException.class, () -> channel.read(ByteBuffer.allocate(1)));
      }
      assertThrows(
          IOException.class,
          () -> {
            for (int i = 0; i < 100; i++) {
              channel.write(ByteBuffer.allocate(1));
              Thread.sleep(10);
            }
          });
      helper.stop();
    }
  }

  @Test
  void anOrderlyStopTakesFlowsBackInMidStream() throws Exception {
    try (Testbed.Pair pair = Testbed.Pair.open("::1")) {
      try (HelperProcess helper = new HelperProcess(socket, pins);
          HelperClient client = Streams.register(socket)) {
        EnrolmentTest.exchange(pair, 50);
        Testbed.await(client, pair.client(), FlowView::accelerated);
        Thread stop = Thread.ofPlatform().start(helper::stop);
        while (stop.isAlive()) {
          EnrolmentTest.exchange(pair, 100);
        }
      }
      EnrolmentTest.exchange(pair, 100);
    }
  }
}
