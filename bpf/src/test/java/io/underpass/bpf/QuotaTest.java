/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.bpf;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.underpass.Reason;
import io.underpass.accel.Tuning;
import io.underpass.datapath.KernelDatapath;
import io.underpass.protocol.FlowView;
import io.underpass.protocol.UserShare;
import io.underpass.service.Datapath;
import io.underpass.testing.KernelTest;
import io.underpass.testing.Pinning;
import io.underpass.testing.TestCgroup;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A user has a share of the tables: who takes all of it leaves the others theirs. */
@KernelTest
@Timeout(120)
class QuotaTest {
  private static final int PAIRS = 4;

  /** Sockets of two pairs. */
  private static final int SHARE = 4;

  private final Path pins = Pinning.newFolder();
  private final List<String> trouble = new ArrayList<>();
  private final List<Testbed.Pair> pairs = new ArrayList<>();

  @AfterEach
  void nothingWentWrong() throws IOException {
    for (Testbed.Pair pair : pairs) {
      pair.close();
    }
    Files.deleteIfExists(pins);
    assertEquals(List.of(), trouble);
  }

  @Test
  void enrolledSocketsHaveAQuotaAndOthersTakeThePlaceOfThoseThatEnd() throws Exception {
    takesItsShareOnly(Tuning.DEFAULT.withTakeEvery(true).withKnob("user_enrolled", SHARE));
  }

  /** The fewest that one socket has, sixteen, for four. */
  @Test
  void queuedMessagesHaveAQuota() throws Exception {
    takesItsShareOnly(Tuning.DEFAULT.withTakeEvery(true).withKnob("user_messages", SHARE * 16));
  }

  private void takesItsShareOnly(Tuning tuning) throws Exception {
    try (KernelDatapath datapath =
        new KernelDatapath(pins, TestCgroup.mount(), tuning, trouble::add)) {
      datapath.admit(HalfPairTest.self());
      for (int i = 0; i < PAIRS; i++) {
        pairs.add(Testbed.Pair.open("127.0.0.1"));
      }
      await(datapath, 2 * PAIRS - SHARE, f -> f.reason() == Reason.QUOTA);
      await(datapath, SHARE, FlowView::accelerated);
      for (Testbed.Pair pair : pairs) {
        EnrolmentTest.exchange(pair, 20);
      }
      UserShare full = share(datapath);
      assertEquals(SHARE, full.enrolled(), full::toString);
      assertEquals(2 * PAIRS, full.sockets(), full::toString);
      assertTrue(full.refused() > 0, full::toString);

      Testbed.Pair ended =
          pairs.stream().filter(p -> isAccelerated(datapath, p)).findFirst().orElseThrow();
      pairs.remove(ended);
      ended.close();
      await(datapath, SHARE, FlowView::accelerated);
      for (Testbed.Pair pair : pairs) {
        EnrolmentTest.exchange(pair, 20);
      }
      datapath.dismiss(HalfPairTest.self());
      while (Testbed.members(pins) > 0) {
        datapath.sweep();
      }
      UserShare rest = share(datapath);
      assertEquals(0, rest.enrolled() + rest.messages(), rest::toString);
    }
  }

  @Test
  void knownSocketsHaveAQuota() throws Exception {
    Tuning tuning = Tuning.DEFAULT.withTakeEvery(true).withKnob("user_sockets", SHARE);
    try (KernelDatapath datapath =
        new KernelDatapath(pins, TestCgroup.mount(), tuning, trouble::add)) {
      datapath.admit(HalfPairTest.self());
      for (int i = 0; i < PAIRS; i++) {
        pairs.add(Testbed.Pair.open("127.0.0.1"));
        datapath.sweep();
      }
      await(datapath, SHARE, FlowView::accelerated);
      assertEquals(SHARE, datapath.flows(Datapath.ALL, 100).total());
      assertEquals(SHARE, share(datapath).sockets());
      assertTrue(share(datapath).refused() >= 2 * PAIRS - SHARE, () -> "" + pairs.size());
      for (Testbed.Pair pair : pairs) {
        EnrolmentTest.exchange(pair, 20);
      }
    }
  }

  private static UserShare share(KernelDatapath datapath) throws IOException {
    return datapath.users().stream().filter(u -> u.uid() == 0).findFirst().orElseThrow();
  }

  private static boolean isAccelerated(KernelDatapath datapath, Testbed.Pair pair) {
    try {
      Ends ends = Ends.of(pair);
      return datapath.flows(Datapath.ALL, 100).top().stream()
          .filter(ends::have)
          .allMatch(FlowView::accelerated);
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  private static long count(KernelDatapath datapath, Predicate<FlowView> which) throws IOException {
    return datapath.flows(Datapath.ALL, 100).top().stream().filter(which).count();
  }

  /** Until so many flows are as wanted, or more. */
  private static void await(KernelDatapath datapath, long wanted, Predicate<FlowView> which)
      throws Exception {
    long end = System.nanoTime() + Testbed.PATIENCE.toNanos();
    while (count(datapath, which) < wanted) {
      if (System.nanoTime() > end) {
        throw new AssertionError(datapath.flows(Datapath.ALL, 100).top().toString());
      }
      Thread.sleep(5);
    }
  }
}
