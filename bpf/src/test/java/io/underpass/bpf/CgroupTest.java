/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.bpf;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.underpass.Reason;
import io.underpass.kernel.BuiltObject;
import io.underpass.protocol.ErrorCode;
import io.underpass.protocol.FlowView;
import io.underpass.protocol.HelperClient;
import io.underpass.protocol.WireException;
import io.underpass.service.HelperConfig;
import io.underpass.testing.HelperProcess;
import io.underpass.testing.KernelTest;
import io.underpass.testing.Pinning;
import io.underpass.testing.TestCgroup;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * The hooks of socket options are attached to the cgroups of registered processes, and to no
 * others; a process that is moved is followed when it says so; and no socket is enrolled whose own
 * cgroup has none.
 */
@KernelTest
@Timeout(60)
class CgroupTest extends HelperFolders {
  /** {@code OptionHooks.LINGER_NANOS}. */
  private static final long LINGER_NANOS = 2_000_000_000L;

  /** {@code OptionHooks.MAX_EACH}. */
  private static final int MOST = 8;

  private TestCgroup one;
  private TestCgroup two;

  @BeforeEach
  void makeCgroups() throws IOException {
    one = TestCgroup.create();
    two = TestCgroup.create();
  }

  @AfterEach
  void removeCgroups() throws IOException {
    two.close();
    one.close();
  }

  @Test
  void hooksComeAndGoWithTheRegistrationsOfTheirCgroup() throws Exception {
    try (HelperProcess _ = new HelperProcess(socket, pins)) {
      assertHooked();
      try (Worker first = new Worker(one);
          Worker second = new Worker(one)) {
        assertHooked(one.id());
        try (Worker _ = new Worker(two)) {
          assertHooked(one.id(), two.id());
        }
        awaitHooked(one.id());
        first.kill();
        assertEquals("accelerated", second.ask("connect"));
        assertHooked(one.id());
      }
      awaitHooked();
    }
  }

  @Test
  void aProcessThatWasMovedIsFollowedWhenItSaysSo() throws Exception {
    try (HelperProcess _ = new HelperProcess(socket, pins);
        Worker worker = new Worker(one)) {
      assertEquals("accelerated", worker.ask("connect"));
      two.take(worker.pid());
      assertEquals("right", worker.ask("exchange"), "its old sockets are what they were");
      assertEquals("refused", worker.ask("connect"));
      assertHooked(one.id());
      assertEquals("claimed", worker.ask("claim"));
      assertHooked(one.id(), two.id());
      assertEquals("accelerated", worker.ask("connect"));
      assertEquals("right", worker.ask("exchange"));
    }
  }

  /** The hook of a cgroup above is another process's, and may go with it. */
  @Test
  void theHookOfTheCgroupAboveIsNotEnough() throws Exception {
    try (TestCgroup below = one.child();
        HelperProcess _ = new HelperProcess(socket, pins);
        Worker above = new Worker(one);
        Worker worker = new Worker(two)) {
      below.take(worker.pid());
      assertEquals("refused", worker.ask("connect"));
      assertEquals("claimed", worker.ask("claim"));
      // Both programs are called for it now, one after the other.
      assertEquals("accelerated", worker.ask("connect"));
      assertEquals("right", worker.ask("exchange"));
      above.kill();
      awaitHooked(below.id());
      assertEquals("right", worker.ask("exchange"));
      worker.kill();
    }
  }

  /** Else {@code available()} of such a socket would miss what is queued. */
  @Test
  void aHookStaysAsLongAsOneOfItsSocketsIsEnrolled() throws Exception {
    try (HelperProcess _ = new HelperProcess(socket, pins);
        Worker worker = new Worker(one)) {
      try (Worker _ = new Worker(two)) {
        two.take(worker.pid());
        assertEquals("accelerated", worker.ask("connect"), "it is hooked for the other one");
      }
      awaitRegistrations(1);
      long end = System.nanoTime() + LINGER_NANOS + 2_000_000_000L;
      while (System.nanoTime() < end) {
        assertEquals("right", worker.ask("exchange"));
        assertHooked(one.id(), two.id());
        Thread.sleep(50);
      }
      assertEquals("refused", worker.ask("connect"), "no further ones");
      assertEquals("closed", worker.ask("close"));
      awaitHooked(one.id());
      assertEquals("claimed", worker.ask("claim"));
      assertEquals("accelerated", worker.ask("connect"), "and hooked again");
    }
  }

  /** It was asked for while another process's hook was there. */
  @Test
  void aSocketWhoseHookHasGoneSaysSoUntilItsProcessClaimsIt() throws Exception {
    try (HelperProcess _ = new HelperProcess(socket, pins);
        Worker worker = new Worker(one)) {
      try (Worker _ = new Worker(two)) {
        two.take(worker.pid());
        assertEquals("made", worker.ask("make"));
      }
      awaitRegistrations(1);
      assertEquals(Reason.NOT_HOOKED.wireName(), worker.ask("reason"));
      assertEquals("claimed", worker.ask("claim"));
      assertEquals("accelerated", worker.ask("await"));
      assertEquals("right", worker.ask("exchange"));
    }
  }

  @Test
  void theNextHelperAdoptsHooksAndGivesUpThoseOfTheDead() throws Exception {
    HelperProcess helper = new HelperProcess(socket, pins);
    try (Worker survivor = new Worker(one)) {
      try (Worker dead = new Worker(two)) {
        assertEquals("accelerated", survivor.ask("connect"));
        helper.kill();
        dead.kill();
      }
      assertEquals("right", survivor.ask("exchange"));
      assertHooked(one.id(), two.id());
      helper = new HelperProcess(socket, pins);
      assertEquals("right", survivor.ask("exchange"));
      assertEquals("registered", survivor.ask("register"));
      awaitHooked(one.id());
      assertEquals("accelerated", survivor.ask("connect"));
    } finally {
      helper.close();
    }
  }

  /** Its sockets go on, and what is asked of them is answered. */
  @Test
  void aCgroupThatIsRemovedTakesNothingAwayFromItsSockets() throws Exception {
    try (HelperProcess _ = new HelperProcess(socket, pins);
        TestCgroup brief = TestCgroup.create();
        Worker worker = new Worker(brief)) {
      assertEquals("accelerated", worker.ask("connect"));
      one.take(worker.pid());
      brief.remove();
      assertEquals("right", worker.ask("exchange"));
      assertEquals("refused", worker.ask("connect"));
      assertEquals("claimed", worker.ask("claim"));
      assertEquals("accelerated", worker.ask("connect"));
    }
  }

  /** With its ninth cgroup it gives one up, whose sockets go on as long as they are enrolled. */
  @Test
  void aProcessThatIsMovedOftenIsFollowed() throws Exception {
    List<TestCgroup> more = new ArrayList<>();
    try (HelperProcess _ = new HelperProcess(socket, pins)) {
      try (Worker worker = new Worker(one)) {
        assertEquals("accelerated", worker.ask("connect"));
        for (int i = 0; i < MOST; i++) {
          more.add(TestCgroup.create());
          more.getLast().take(worker.pid());
          Thread.sleep(1100); // a process is looked at once in a second
          assertEquals("claimed", worker.ask("claim"));
          assertEquals("accelerated", worker.ask("connect"), "number " + i);
        }
        assertEquals(MOST + 1, attached("up_getsockopt").size());
        assertEquals(MOST + 1, worker.enrolledPairs());
      }
    } finally {
      for (TestCgroup cgroup : more) {
        cgroup.remove();
      }
    }
  }

  /** Each has programs of its own in the same cgroup, and in the one above. */
  @Test
  void twoHelpersDoNotAnswerForEachOther() throws Exception {
    Path second = folder.resolve("second.sock");
    try (TestCgroup below = one.child();
        HelperProcess _ = new HelperProcess(socket, pins);
        HelperProcess _ = new HelperProcess(second, Pinning.newFolder());
        Worker first = new Worker(below);
        Worker above = new Worker(one, second)) {
      assertEquals("accelerated", first.ask("connect"));
      assertEquals("accelerated", above.ask("connect"));
      try (Worker beside = new Worker(below, second)) {
        assertEquals("accelerated", beside.ask("connect"));
        assertEquals("right", first.ask("exchange"));
        assertEquals("right", above.ask("exchange"));
      }
      first.kill();
    }
  }

  @Test
  void aProcessIsNotLookedAtAllTheTime() throws Exception {
    try (HelperProcess _ = new HelperProcess(socket, pins);
        HelperClient client = Streams.register(socket)) {
      client.claim();
      WireException e = assertThrows(WireException.class, client::claim);
      assertEquals(ErrorCode.DENIED, e.code());
    }
  }

  /** A cgroup that was removed while there was no helper leaves a pin of nothing. */
  @Test
  void whatIsLeftOfARemovedCgroupIsTakenAway() throws Exception {
    HelperProcess helper = new HelperProcess(socket, pins);
    try (TestCgroup brief = TestCgroup.create();
        Worker worker = new Worker(brief)) {
      assertEquals("accelerated", worker.ask("connect"));
      helper.kill();
      worker.kill();
    }
    assertEquals(1, attached("up_setsockopt").size());
    helper = new HelperProcess(socket, pins);
    try {
      awaitHooked();
    } finally {
      helper.close();
    }
  }

  /** Both programs are attached to these, and to no others, by the names of the pins. */
  private void assertHooked(Long... wanted) throws IOException {
    assertEquals(Set.of(wanted), attached("up_setsockopt"));
    assertEquals(Set.of(wanted), attached("up_getsockopt"));
  }

  /** A hook that nobody needs stays for a while. */
  private void awaitHooked(Long... wanted) throws Exception {
    long end = System.nanoTime() + Testbed.PATIENCE.toNanos();
    while (!attached("up_setsockopt").equals(Set.of(wanted))
        || !attached("up_getsockopt").equals(Set.of(wanted))) {
      assertTrue(System.nanoTime() < end, () -> "not " + Set.of(wanted));
      Thread.sleep(10);
    }
  }

  private Set<Long> attached(String program) throws IOException {
    Set<Long> ids = new TreeSet<>();
    try (Stream<Path> files = Files.list(BuiltObject.DATAPATH.pinFolder(pins))) {
      for (Path file : files.toList()) {
        String[] name = file.getFileName().toString().split("_", 3);
        if (name[0].equals("link") && name[2].equals(program)) {
          ids.add(Long.parseLong(name[1]));
        }
      }
    }
    return ids;
  }

  private HelperClient admin() throws IOException {
    return HelperClient.connect(HelperConfig.adminSocketOf(socket), Testbed.PATIENCE);
  }

  private void awaitRegistrations(int wanted) throws Exception {
    long end = System.nanoTime() + Testbed.PATIENCE.toNanos();
    try (HelperClient client = admin()) {
      while (client.status().registrations() != wanted) {
        assertTrue(System.nanoTime() < end, () -> "not " + wanted);
        Thread.sleep(10);
      }
    }
  }

  /** A process that is registered from its start on, and does a word at a time. */
  private final class Worker implements AutoCloseable {
    private final Process process;

    Worker(TestCgroup where) throws IOException {
      this(where, socket);
    }

    Worker(TestCgroup where, Path helper) throws IOException {
      process =
          Testbed.java(
              CgroupHand.class, where.prefix(), List.of("-XX:+UseSerialGC"), helper.toString());
      assertEquals("registered", process.inputReader().readLine());
    }

    String ask(String word) throws IOException {
      process.outputWriter().write(word + "\n");
      process.outputWriter().flush();
      return process.inputReader().readLine();
    }

    /** Accelerated, as the helper says. */
    long enrolledPairs() throws IOException {
      try (HelperClient client = admin()) {
        return client.flows(100).stream().filter(FlowView::accelerated).count() / 2;
      }
    }

    long pid() {
      return process.pid();
    }

    void kill() throws InterruptedException {
      process.destroyForcibly().waitFor();
    }

    @Override
    public void close() throws IOException {
      try {
        kill();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }
  }
}
