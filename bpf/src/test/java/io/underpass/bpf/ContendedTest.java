package io.underpass.bpf;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.underpass.Reason;
import io.underpass.datapath.KernelDatapath;
import io.underpass.datapath.Tuning;
import io.underpass.helper.PeerProcess;
import io.underpass.helper.Registration;
import io.underpass.protocol.FlowView;
import io.underpass.testing.KernelTest;
import io.underpass.testing.Pinning;
import io.underpass.testing.TestCgroup;
import java.io.IOException;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.FutureTask;
import org.junit.jupiter.api.Assumptions;
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

  @Test
  void burstsThatMeetTheirReaderInItsLockAreTakenOffExactly() throws Exception {
    Assumptions.assumeTrue(
        Runtime.getRuntime().availableProcessors() > 1, "it takes two processors to meet");
    Path pins = Pinning.newFolder();
    List<String> trouble = new ArrayList<>();
    long ticks = PeerProcess.parseStartTicks(Files.readString(Path.of("/proc/self/stat")));
    Registration self = new Registration(7, (int) ProcessHandle.current().pid(), ticks, 0);
    try (KernelDatapath datapath =
        new KernelDatapath(
            pins,
            TestCgroup.mount(),
            Tuning.DEFAULT.withKnob("contended_costs", 0),
            trouble::add)) {
      datapath.admit(self);
      try (Testbed.Pair pair = Testbed.Pair.open("127.0.0.1")) {
        pair.client().setOption(StandardSocketOptions.TCP_NODELAY, true);
        FutureTask<Long> reader = new FutureTask<>(() -> answerBursts(pair.server()));
        Thread.ofPlatform().daemon().start(reader);
        long sent = 0;
        do {
          for (int i = 0; i < BURSTS_A_LOOK; i++) {
            sent = burst(pair.client(), sent);
          }
        } while (!areContended(datapath.flows(self.id(), 2).top()));
        sent = burst(pair.client(), sent);
        pair.client().shutdownOutput();
        assertEquals(sent, reader.get());
      }
    } finally {
      Files.deleteIfExists(pins);
    }
    assertEquals(List.of(), trouble);
  }

  /** Both ends, and both by TCP again. */
  private static boolean areContended(List<FlowView> flows) {
    return flows.size() == 2
        && flows.stream().allMatch(f -> f.reason() == Reason.CONTENDED && !f.accelerated());
  }

  private static long burst(SocketChannel channel, long position) throws IOException {
    byte[] block = new byte[SIZE];
    long at = position;
    for (int i = 0; i < BURST; i++, at += SIZE) {
      new Bytes(1).fill(block, SIZE, at);
      ByteBuffer out = ByteBuffer.wrap(block);
      while (out.hasRemaining()) {
        channel.write(out);
      }
    }
    assertEquals(1, channel.read(ByteBuffer.allocate(1)));
    return at;
  }

  /** A byte for each burst, until the end of the stream; how many bytes came, all of them right. */
  private static long answerBursts(SocketChannel channel) throws IOException {
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
