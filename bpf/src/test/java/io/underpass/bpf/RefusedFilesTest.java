/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.bpf;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.underpass.accel.Tuning;
import io.underpass.datapath.KernelDatapath;
import io.underpass.protocol.FlowView;
import io.underpass.service.Datapath;
import io.underpass.testing.KernelTest;
import io.underpass.testing.Pinning;
import io.underpass.testing.TestCgroup;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A kernel that refuses programs which visit open files: all else goes on. */
@KernelTest
@Timeout(60)
class RefusedFilesTest {
  @Test
  void whatIsAskedForIsAcceleratedAndWhatIsOlderWhenItIsAskedFor() throws Exception {
    Path pins = Pinning.newFolder();
    List<String> trouble = new ArrayList<>();
    Tuning tuning = Tuning.DEFAULT.withTakeEvery(true).withoutFiles();
    try (KernelDatapath datapath =
            new KernelDatapath(pins, TestCgroup.mount(), tuning, trouble::add);
        Testbed.Pair old = Testbed.Pair.open("127.0.0.1")) {
      datapath.admit(HalfPairTest.self());
      try (Testbed.Pair pair = Testbed.Pair.open("127.0.0.1")) {
        await(datapath, pair);
        EnrolmentTest.exchange(pair, 20);
        datapath.sweep();
        assertEquals(2, Testbed.members(pins), "the older one is not known");
        old.join();
        await(datapath, old);
        EnrolmentTest.exchange(old, 20);
        datapath.dismiss(HalfPairTest.self());
        while (Testbed.members(pins) > 0) {
          datapath.sweep();
        }
      }
    }
    Files.deleteIfExists(pins);
    assertEquals(List.of(), trouble);
  }

  private static void await(KernelDatapath datapath, Testbed.Pair pair) throws Exception {
    Ends ends = Ends.of(pair);
    long end = System.nanoTime() + Testbed.PATIENCE.toNanos();
    while (accelerated(datapath, ends) < 2) {
      if (System.nanoTime() > end) {
        throw new AssertionError(datapath.flows(Datapath.ALL, 10).top().toString());
      }
      datapath.sweep();
    }
  }

  private static long accelerated(KernelDatapath datapath, Ends ends) throws Exception {
    return datapath.flows(Datapath.ALL, 100).top().stream()
        .filter(ends::have)
        .filter(FlowView::accelerated)
        .count();
  }
}
