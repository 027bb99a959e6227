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
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** A full table costs acceleration and nothing else. */
@KernelTest
class FullTableTest {
  private static final int ROOM = 4;
  private static final int PAIRS = 6;

  @Test
  void whatDoesNotFitRunsPlainAndIsCounted() throws Exception {
    Path pins = Pinning.newFolder();
    List<String> trouble = new ArrayList<>();
    Registration self = new Registration(7, (int) ProcessHandle.current().pid(), startTicks(), 0);
    List<Testbed.Pair> pairs = new ArrayList<>();
    try (KernelDatapath datapath =
        new KernelDatapath(
            pins,
            TestCgroup.mount(),
            Tuning.DEFAULT.withTakeEvery(true).withMaxMembers(ROOM),
            trouble::add)) {
      datapath.admit(self);
      for (int i = 0; i < PAIRS; i++) {
        pairs.add(Testbed.Pair.open("127.0.0.1"));
        datapath.sweep();
        datapath.sweep();
      }
      for (Testbed.Pair pair : pairs) {
        EnrolmentTest.exchange(pair, 50);
      }
      List<FlowView> flows = datapath.flows(self.id(), 100).top();
      assertEquals(2 * PAIRS, flows.size());
      long accelerated = flows.stream().filter(FlowView::accelerated).count();
      assertEquals(ROOM, accelerated, flows::toString);
      assertEquals(
          0,
          flows.stream().filter(f -> !f.accelerated() && f.reason() != Reason.TABLE_FULL).count(),
          flows::toString);
      assertEquals(2 * PAIRS - accelerated, datapath.totals(self).plain().get(Reason.TABLE_FULL));
    } finally {
      for (Testbed.Pair pair : pairs) {
        pair.close();
      }
      Files.deleteIfExists(pins);
    }
    assertEquals(List.of(), trouble);
  }

  private static long startTicks() throws Exception {
    return PeerProcess.parseStartTicks(Files.readString(Path.of("/proc/self/stat")));
  }
}
