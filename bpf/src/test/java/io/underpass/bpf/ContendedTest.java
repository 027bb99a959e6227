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
import io.underpass.ffm.FlowLayouts.Counters;
import io.underpass.ffm.FlowLayouts.Sock;
import io.underpass.host.PeerProcess;
import io.underpass.kernel.BuiltObject;
import io.underpass.policy.Rules;
import io.underpass.policy.Rules.Decision;
import io.underpass.policy.Rules.Rule;
import io.underpass.protocol.FlowView;
import io.underpass.service.Registration;
import io.underpass.testing.KernelTest;
import io.underpass.testing.Pinning;
import io.underpass.testing.TestCgroup;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.FutureTask;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Bursts that meet their reader at work go back to TCP. How often that happens is up to the
 * machine, so here a single meeting is enough.
 */
@KernelTest
@Timeout(120)
class ContendedTest {
  /** Messages of a burst: fewer than make a stream. */
  private static final int BURST = 6;

  private static final int SIZE = 32_768;
  private static final int BURSTS_A_LOOK = 32;

  private final Path pins = Pinning.newFolder();
  private final List<String> trouble = new ArrayList<>();

  @BeforeEach
  void twoCanMeet() {
    Assumptions.assumeTrue(
        Runtime.getRuntime().availableProcessors() > 1, "it takes two processors to meet");
  }

  @AfterEach
  void nothingWentWrong() throws IOException {
    Files.deleteIfExists(pins);
    assertEquals(List.of(), trouble);
  }

  @Test
  void burstsThatMeetTheirReaderInItsLockAreTakenOffExactly() throws Exception {
    try (KernelDatapath datapath = datapath(Rules.NONE)) {
      datapath.admit(self());
      try (Testbed.Pair pair = Testbed.Pair.open("127.0.0.1")) {
        Bursts bursts = new Bursts(pair);
        bursts.until(() -> areContended(flows(datapath)));
        bursts.end();
      }
    }
  }

  @Test
  void aRedirectRuleKeepsThem() throws Exception {
    try (Testbed.Pair pair = Testbed.Pair.open("127.0.0.1")) {
      int port = ((InetSocketAddress) pair.server().getLocalAddress()).getPort();
      Rules rules = new Rules(List.of(new Rule(Decision.REDIRECT, port, port)));
      try (KernelDatapath datapath = datapath(rules)) {
        datapath.admit(self());
        Bursts bursts = new Bursts(pair);
        bursts.until(
            () -> {
              datapath.sweep(); // nobody names what a rule keeps
              return wouldLeave(pair.client()) || areContended(flows(datapath));
            });
        // The first one asks the other end how far it is, the second one would judge.
        datapath.sweep();
        datapath.sweep();
        List<FlowView> flows = flows(datapath);
        assertEquals(2, flows.size());
        for (FlowView flow : flows) {
          assertTrue(flow.accelerated(), flow::toString);
          assertEquals(Reason.RULE, flow.reason());
        }
        assertTrue(wouldLeave(pair.client()), "it is not judged");
        bursts.end();
      }
    }
  }

  private KernelDatapath datapath(Rules rules) throws IOException {
    return new KernelDatapath(
        pins,
        TestCgroup.mount(),
        Tuning.DEFAULT.withKnob("contended_costs", 0).withRules(rules),
        trouble::add);
  }

  private static Registration self() throws IOException {
    long ticks = PeerProcess.parseStartTicks(Files.readString(Path.of("/proc/self/stat")));
    return new Registration(7, (int) ProcessHandle.current().pid(), ticks, 0);
  }

  private static List<FlowView> flows(KernelDatapath datapath) throws IOException {
    return datapath.flows(self().id(), 2).top();
  }

  /** Whether the next judgement on the traffic, which is due, would be against it. */
  private boolean wouldLeave(SocketChannel sender) throws IOException {
    try (BpfMap socks = BpfMap.openPinned(BuiltObject.DATAPATH.pinFolder(pins).resolve("socks"))) {
      ByteBuffer record = socks.newValue();
      ByteBuffer key = socks.newKey().putInt(0, ChannelCalls.descriptor(sender));
      return socks.lookup(key, record)
          && (record.get(Sock.FLAGS) & FlowLayouts.UP_F_JUDGEABLE) != 0
          && record.getLong(Sock.JUDGE_AT) <= messages(record)
          && record.getInt(Sock.CONTENDED) > record.getInt(Sock.JUDGED_CONTENDED);
    }
  }

  private static long messages(ByteBuffer record) {
    return record.getLong(Sock.TX_COUNTERS + Counters.REDIRECTED_MESSAGES)
        + record.getLong(Sock.TX_COUNTERS + Counters.PASSED_MESSAGES);
  }

  /** Both ends, and both by TCP again. */
  private static boolean areContended(List<FlowView> flows) {
    return flows.size() == 2
        && flows.stream().allMatch(f -> f.reason() == Reason.CONTENDED && !f.accelerated());
  }

  /** Bursts of messages one way, each answered by a byte; every byte is compared. */
  private static final class Bursts {
    private final Testbed.Pair pair;
    private final FutureTask<Long> reader;
    private long sent;

    Bursts(Testbed.Pair pair) throws IOException {
      this.pair = pair;
      this.reader = new FutureTask<>(() -> answer(pair.server()));
      pair.client().setOption(StandardSocketOptions.TCP_NODELAY, true);
      Thread.ofPlatform().daemon().start(reader);
    }

    void until(Callable<Boolean> wanted) throws Exception {
      do {
        for (int i = 0; i < BURSTS_A_LOOK; i++) {
          send();
        }
        pair.join(); // tends it, as an agent does
      } while (!wanted.call());
    }

    /** After one more. */
    void end() throws Exception {
      send();
      pair.client().shutdownOutput();
      assertEquals(sent, reader.get());
    }

    private void send() throws IOException {
      byte[] block = new byte[SIZE];
      for (int i = 0; i < BURST; i++, sent += SIZE) {
        new Bytes(1).fill(block, SIZE, sent);
        ByteBuffer out = ByteBuffer.wrap(block);
        while (out.hasRemaining()) {
          pair.client().write(out);
        }
      }
      assertEquals(1, pair.client().read(ByteBuffer.allocate(1)));
    }

    /** A byte for each burst, until the end of the stream; how many bytes came. */
    private static long answer(SocketChannel channel) throws IOException {
      ByteBuffer in = ByteBuffer.allocate(SIZE);
      long at = 0;
      while (channel.read(in.clear()) >= 0) {
        assertEquals(-1, new Bytes(1).firstWrong(in.array(), in.position(), at));
        at += in.position();
        if (at % (BURST * SIZE) == 0) {
          channel.write(ByteBuffer.wrap(new byte[1]));
        }
      }
      return at;
    }
  }
}
