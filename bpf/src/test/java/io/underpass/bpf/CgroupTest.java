package io.underpass.bpf;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.underpass.ffm.ChannelCalls;
import io.underpass.ffm.Layouts;
import io.underpass.protocol.FlowView;
import io.underpass.protocol.HelperClient;
import io.underpass.testing.KernelTest;
import io.underpass.testing.TestCgroup;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
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
      assertEquals(Set.of(), hooked());
      try (Worker first = new Worker(one);
          Worker second = new Worker(one)) {
        assertEquals(Set.of(one.id()), hooked());
        try (Worker _ = new Worker(two)) {
          assertEquals(Set.of(one.id(), two.id()), hooked());
        }
        awaitHooked(Set.of(one.id()));
        first.kill();
        assertEquals("accelerated", second.ask("connect"));
        assertEquals(Set.of(one.id()), hooked());
      }
      awaitHooked(Set.of());
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
      assertEquals(Set.of(one.id()), hooked());
      assertEquals("claimed", worker.ask("claim"));
      assertEquals(Set.of(one.id(), two.id()), hooked());
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
      awaitHooked(Set.of(two.id(), below.id()));
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
      for (int i = 0; i < 20; i++) {
        assertEquals("right", worker.ask("exchange"));
        assertEquals(Set.of(one.id(), two.id()), hooked());
      }
      assertEquals("refused", worker.ask("connect"), "no further ones");
      assertEquals("closed", worker.ask("close"));
      awaitHooked(Set.of(one.id()));
      assertEquals("claimed", worker.ask("claim"));
      assertEquals("accelerated", worker.ask("connect"), "and hooked again");
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
      assertEquals(Set.of(one.id(), two.id()), hooked());
      helper = new HelperProcess(socket, pins);
      assertEquals("right", survivor.ask("exchange"));
      assertEquals("registered", survivor.ask("register"));
      awaitHooked(Set.of(one.id()));
      assertEquals("accelerated", survivor.ask("connect"));
    } finally {
      helper.close();
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
    assertEquals(1, hooked().size());
    helper = new HelperProcess(socket, pins);
    try {
      awaitHooked(Set.of());
    } finally {
      helper.close();
    }
  }

  /** The cgroups that have both hooks, by the names of their pins. */
  private Set<Long> hooked() throws IOException {
    Set<Long> ids = new TreeSet<>();
    Path folder = pins.resolve("v" + Layouts.UP_ABI);
    try (Stream<Path> files = Files.list(folder)) {
      for (Path file : files.toList()) {
        String[] name = file.getFileName().toString().split("_", 3);
        if (name[0].equals("link") && name[2].equals("up_setsockopt")) {
          ids.add(Long.parseLong(name[1]));
          assertTrue(Files.exists(folder.resolve("link_" + name[1] + "_up_getsockopt")));
        }
      }
    }
    return ids;
  }

  private void awaitHooked(Set<Long> wanted) throws Exception {
    long end = System.nanoTime() + Testbed.PATIENCE.toNanos();
    while (!hookedNow().equals(wanted)) {
      assertTrue(System.nanoTime() < end, () -> "not " + wanted);
      Thread.sleep(10);
    }
  }

  /** Both pins do not go at the same moment. */
  private Set<Long> hookedNow() throws IOException {
    try {
      return hooked();
    } catch (AssertionError e) {
      return Set.of(-1L);
    }
  }

  private void awaitRegistrations(int wanted) throws Exception {
    long end = System.nanoTime() + Testbed.PATIENCE.toNanos();
    try (HelperClient client = HelperClient.connect(socket, Testbed.PATIENCE)) {
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
      process =
          Testbed.java(Hand.class, where.prefix(), List.of("-XX:+UseSerialGC"), socket.toString());
      assertEquals("registered", process.inputReader().readLine());
    }

    String ask(String word) throws IOException {
      process.outputWriter().write(word + "\n");
      process.outputWriter().flush();
      return process.inputReader().readLine();
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

  /** The worker's program. Both ends of its one connection are its own. */
  static final class Hand {
    private static final int BYTES = 7;
    private static HelperClient client;
    private static Testbed.Pair pair;

    private Hand() {}

    public static void main(String[] args) throws Exception {
      Path helper = Path.of(args[0]);
      BufferedReader in =
          new BufferedReader(new InputStreamReader(System.in, StandardCharsets.US_ASCII));
      System.out.println(register(helper));
      for (String word = in.readLine(); word != null; word = in.readLine()) {
        System.out.println(
            switch (word) {
              case "register" -> register(helper);
              case "connect" -> connect();
              case "exchange" -> exchange();
              case "claim" -> {
                client.claim();
                yield "claimed";
              }
              case "close" -> {
                pair.close();
                yield "closed";
              }
              default -> throw new IllegalArgumentException(word);
            });
      }
    }

    private static String register(Path helper) throws IOException {
      client = HelperClient.connect(helper, Testbed.PATIENCE);
      client.register("on").orThrow();
      return "registered";
    }

    /** A connection beside those that there are, which stay open. */
    private static String connect() throws Exception {
      Testbed.Pair made = Testbed.Pair.open("127.0.0.1");
      if (!Joining.asks(made.client()) || !Joining.asks(made.server())) {
        made.close();
        return "refused";
      }
      pair = made;
      EnrolmentTest.exchange(pair, 50);
      Testbed.await(client, pair.client(), FlowView::accelerated);
      Testbed.await(client, pair.server(), FlowView::accelerated);
      String result = exchange();
      return result.equals("right") ? "accelerated" : result;
    }

    /** What is unread of a redirected message is known by the hooks alone. */
    private static String exchange() throws IOException {
      EnrolmentTest.exchange(pair, 5);
      pair.client().write(ByteBuffer.allocate(BYTES));
      int server = ChannelCalls.descriptor(pair.server());
      int available = ChannelCalls.getOption(server, Layouts.UP_SOL, Layouts.UP_OPT_AVAILABLE);
      pair.server().read(ByteBuffer.allocate(BYTES));
      return available == BYTES ? "right" : "available " + available;
    }
  }
}
