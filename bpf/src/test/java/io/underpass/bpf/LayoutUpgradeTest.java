/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.bpf;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.underpass.kernel.BuiltObject;
import io.underpass.protocol.FlowView;
import io.underpass.protocol.HelperClient;
import io.underpass.testing.HelperProcess;
import io.underpass.testing.KernelTest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * The next helper's maps have other layouts than those that the one before it pinned: it reads none
 * of them, lets their flows go on, and removes them when these have ended.
 */
@KernelTest
@Timeout(120)
class LayoutUpgradeTest extends HelperFolders {
  /** A field of the flow record has another name: all offsets stay, as this test reads rows. */
  private static final String FIELD = "looked_at";

  @TempDir private Path build;

  @Test
  void flowsOfAnotherLayoutGoOnAndWhatIsLeftOfItGoesWithThem() throws Exception {
    Path left = BuiltObject.DATAPATH.pinFolder(pins);
    Path changed = ChangedPrograms.compile(build, FIELD, FIELD + "_ticks");
    try (Testbed.Pair old = Testbed.Pair.open("127.0.0.1")) {
      HelperProcess first = new HelperProcess(socket, pins);
      try (HelperClient client = Streams.register(socket)) {
        EnrolmentTest.exchange(old, 50);
        ProgramUpgradeTest.awaitRedirected(client, old);
        first.kill();
      }
      try (HelperProcess _ = UpgradedHelper.start(changed, socket, pins);
          HelperClient client = Streams.register(socket);
          Testbed.Pair young = Testbed.Pair.open("::1")) {
        assertEquals(2, folders().size(), folders()::toString);
        EnrolmentTest.exchange(young, 50);
        ProgramUpgradeTest.awaitRedirected(client, young);
        EnrolmentTest.exchange(old, 50);
        FlowView flow = Testbed.await(client, young.client(), FlowView::accelerated);
        assertTrue(flow.tx().redirectedMessages() > 0, flow::toString);
        assertTrue(Files.exists(left), "its flow has not ended");
        old.client().close();
        old.server().close();
        awaitGone(left);
        EnrolmentTest.exchange(young, 50);
        assertEquals(1, folders().size(), folders()::toString);
      }
    }
  }

  /** A stop leaves what it may not touch, and says so; drain then does the rest. */
  @Test
  void drainFinishesWhatAnotherVersionLeftWhenItIsNotUsed() throws Exception {
    Path changed = ChangedPrograms.compile(build, FIELD, FIELD + "_ticks");
    try (Testbed.Pair old = Testbed.Pair.open("127.0.0.1")) {
      HelperProcess first = UpgradedHelper.start(changed, socket, pins);
      try (HelperClient client = Streams.register(socket)) {
        EnrolmentTest.exchange(old, 50);
        ProgramUpgradeTest.awaitRedirected(client, old);
        first.kill();
      }
      HelperProcess.Result refused = drain();
      assertEquals(1, refused.exit(), refused::out);
      assertTrue(refused.out().contains("a helper of another version left"), refused::out);
      EnrolmentTest.exchange(old, 50);
    }
    HelperProcess.Result drained = drain();
    assertEquals(0, drained.exit(), drained::out);
    assertEquals(List.of(), folders());
    new HelperProcess(socket, pins).close(); // removes the sockets of the one that was killed
  }

  private HelperProcess.Result drain() throws Exception {
    return HelperProcess.underpass("drain", "--socket", socket, "--pin-dir", pins);
  }

  private List<Path> folders() throws IOException {
    if (!Files.exists(pins)) {
      return List.of();
    }
    try (Stream<Path> all = Files.list(pins)) {
      return all.toList();
    }
  }

  private static void awaitGone(Path path) throws InterruptedException {
    long end = System.nanoTime() + Testbed.PATIENCE.toNanos();
    while (Files.exists(path)) {
      assertTrue(System.nanoTime() < end, path + " is still there");
      Thread.sleep(50);
    }
  }
}
