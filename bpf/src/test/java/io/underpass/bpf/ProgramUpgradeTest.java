/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.bpf;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.underpass.protocol.FlowView;
import io.underpass.protocol.HelperClient;
import io.underpass.service.HelperConfig;
import io.underpass.testing.HelperProcess;
import io.underpass.testing.KernelTest;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The next helper's programs are of other code, on the maps that the one before it pinned. */
@KernelTest
@Timeout(120)
class ProgramUpgradeTest extends HelperFolders {
  /** The code that is changed: each redirected message counts as so many switches more. */
  private static final int MARK = 1000;

  private static final String COUNTED = "\t\t\t\tcount_redirected(rec, size);\n";
  private static final String MARKED = COUNTED + "\t\t\t\trec->tx_counters.switches += " + MARK;

  @TempDir private Path build;

  @Test
  void flowsThatAreTakenUpLaterRunByTheNewVerdictAndOldOnesGoOnExactly() throws Exception {
    try (Testbed.Pair old = Testbed.Pair.open("127.0.0.1")) {
      HelperProcess first = new HelperProcess(socket, pins);
      FlowView before;
      try (HelperClient client = Streams.register(socket)) {
        EnrolmentTest.exchange(old, 50);
        awaitRedirected(client, old);
        before = Testbed.await(client, old.client(), FlowView::accelerated);
        first.kill();
      }
      EnrolmentTest.exchange(old, 50);
      try (HelperProcess second = UpgradedHelper.start(changed(), socket, pins);
          Testbed.Pair young = Testbed.Pair.open("::1")) {
        try (HelperClient client = Streams.register(socket)) {
          EnrolmentTest.exchange(young, 50);
          awaitRedirected(client, young);
          FlowView flow = Testbed.await(client, young.client(), FlowView::accelerated);
          assertTrue(flow.switches() >= MARK * flow.tx().redirectedMessages(), flow::toString);

          EnrolmentTest.exchange(old, 50);
          FlowView after = Testbed.await(client, old.client(), FlowView::accelerated);
          assertEquals(
              100, after.tx().redirectedMessages() - before.tx().redirectedMessages(), "all along");
          assertEquals(before.switches(), after.switches(), after::toString);
        }
        // What goes back to TCP, and is taken up again, has the new one too.
        try (HelperClient client = registeredAgain()) {
          awaitRedirected(client, old);
          FlowView flow = Testbed.await(client, old.client(), FlowView::accelerated);
          assertTrue(flow.switches() >= MARK, flow::toString);
          EnrolmentTest.exchange(old, 50);
        }
        second.stop();
      }
      EnrolmentTest.exchange(old, 50);
    }
  }

  private HelperClient registeredAgain() throws Exception {
    try (HelperClient looker =
        HelperClient.connect(HelperConfig.adminSocketOf(socket), Testbed.PATIENCE)) {
      // A registration that comes before the sweep finds its flows as they were.
      while (looker.status().registrations() > 0 || Testbed.members(pins) > 0) {
        Thread.sleep(5);
      }
    }
    return Streams.register(socket);
  }

  private Path changed() throws Exception {
    return ChangedPrograms.compile(build, COUNTED, MARKED + ";\n");
  }

  /** Until both ends redirect all that they send. */
  static void awaitRedirected(HelperClient client, Testbed.Pair pair) throws Exception {
    long before;
    FlowView flow;
    do {
      flow = Testbed.await(client, pair.client(), FlowView::accelerated);
      before = flow.tx().redirectedMessages() + flow.rx().redirectedMessages();
      EnrolmentTest.exchange(pair, 10);
      flow = Testbed.await(client, pair.client(), FlowView::accelerated);
    } while (flow.tx().redirectedMessages() + flow.rx().redirectedMessages() < before + 20);
  }
}
