/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.agent;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.underpass.agent.child.Hello;
import io.underpass.agent.child.PortHolder;
import io.underpass.agent.child.Server;
import java.io.IOException;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * A helper that hangs, or has its callers hang, costs a JVM no more than it was promised. It has
 * been taken over, or is the user's own: one of a stranger's is not spoken to.
 */
@Timeout(120)
class FakeHelperIT {
  private static final int USER = 2001;
  private static final int STRANGER = 2009;

  /** What is promised, and a JVM's life on a busy machine; a descriptor would hold it for 60 s. */
  private static final long START_SECONDS = 30;

  private static final String REQUIRED = "group=blue!,";

  @TempDir Path temporary;
  private Path folder;
  private Path socket;

  @BeforeEach
  void makeFolder() throws IOException {
    Files.setPosixFilePermissions(temporary, PosixFilePermissions.fromString("rwxr-xr-x"));
    folder = FakeHelper.folder(temporary.resolve("own"), USER);
    socket = folder.resolve("s");
  }

  @ParameterizedTest
  @CsvSource({
    "silence, ''",
    "slow, ''",
    "descriptors, ''",
    "silence, 'group=blue,'",
    "descriptors, 'group=blue,'"
  })
  void aStartWaitsNoLongerThanItWasPromised(String mode, String group) throws Exception {
    try (FakeHelper helper = new FakeHelper(USER, socket, 0, mode)) {
      long begin = System.nanoTime();
      Child.Result result = Child.runAs(USER, agent(group), Hello.class.getName(), "42");
      assertInTime(begin);
      assertEquals(42, result.code());
      assertEquals(List.of("hello"), result.out());
      assertEquals(1, result.err().size(), result::toString);
      String said = result.err().get(0);
      String promised = group.isEmpty() ? "250" : "5000";
      assertTrue(
          said.startsWith(
              "underpass: running plain: no answer from the helper within "
                  + promised
                  + " ms at "
                  + socket
                  + ";"),
          said);
      assertEquals(
          !group.isEmpty(), said.endsWith("; without group blue, its ports are the host's"), said);
      assertEquals(1, helper.end().size());
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"silence", "descriptors"})
  void aJvmThatRequiresItsGroupDoesNotStartAndSaysSoInTime(String mode) throws Exception {
    try (FakeHelper _ = new FakeHelper(USER, socket, 0, mode)) {
      long begin = System.nanoTime();
      Child.Result result = Child.runAs(USER, agent(REQUIRED), Hello.class.getName(), "42");
      assertInTime(begin);
      assertEquals(1, result.code(), result::toString);
      assertEquals(List.of(), result.out());
      assertEquals(1, result.err().size(), result::toString);
      assertTrue(
          result
              .err()
              .get(0)
              .startsWith("underpass: not started: group blue is required: no answer from"),
          result::toString);
    }
  }

  /** TOTALS, FLOWS and PORTS, by JMX. */
  @Test
  void aRequestThatIsNeverAnsweredHoldsNobodyWhoAsksForNumbers() throws Exception {
    try (FakeHelper _ = new FakeHelper(USER, socket, 1, "descriptors");
        Child child = Child.startAs(USER, agent(""), Server.class.getName())) {
      assertEquals("ready", child.line());
      long begin = System.nanoTime();
      List<String> jmx = child.ask("jmx");
      child.send("exchange");
      assertEquals("got 2", child.line());
      assertInTime(begin);
      assertTrue(jmx.contains("SuppressedErrors=0"), jmx::toString);
      assertEquals(List.of(), child.errors());
    }
  }

  @Test
  void aFirstDatagramWaitsNoLongerThanItWasPromised() throws Exception {
    int port;
    try (ServerSocket any = new ServerSocket(0)) {
      port = any.getLocalPort();
    }
    try (FakeHelper _ = new FakeHelper(USER, socket, 1, "descriptors");
        Child child =
            Child.startAs(
                USER,
                agent("group=blue,"),
                PortHolder.class.getName(),
                "blue",
                Integer.toString(port))) {
      assertEquals("listening on " + port, child.line());
      long begin = System.nanoTime();
      child.send("datagram");
      assertEquals("answered from " + port, child.line());
      assertInTime(begin);
      List<String> errors = child.errors();
      assertEquals(1, errors.size(), errors::toString);
      assertTrue(errors.get(0).contains("datagrams of group blue may miss its ports"));
    }
  }

  @Test
  void threadsThatHangAreBoundedInNumber() throws Exception {
    try (FakeHelper _ = new FakeHelper(USER, socket, 1, "unasked");
        Child child = Child.startAs(USER, agent(""), Server.class.getName())) {
      assertEquals("ready", child.line());
      List<String> jmx;
      do {
        Thread.sleep(200);
        jmx = child.ask("jmx");
      } while (jmx.stream().noneMatch(l -> l.endsWith("(8 earlier calls of a helper hang)")));
      assertEquals(8, hanging(child.pid()));
      child.send("exchange");
      assertEquals("got 2", child.line());
      assertTrue(jmx.contains("SuppressedErrors=0"), jmx::toString);
    }
  }

  @Test
  void aHelperOfAStrangersIsNotSpokenTo() throws Exception {
    Path elsewhere = FakeHelper.folder(temporary.resolve("strangers"), STRANGER).resolve("s");
    try (FakeHelper helper = new FakeHelper(STRANGER, elsewhere, 9, "silence")) {
      assertStranger(
          elsewhere,
          Child.runAs(USER, Child.agent(Child.socket(elsewhere)), Hello.class.getName(), "0"));
      assertEquals(List.of(), helper.end());
    }
  }

  /** The folder is this user's, but whoever listens there need not be. */
  @Test
  void nobodysHelperIsSpokenToInAFolderThatAllMayWriteTo() throws Exception {
    Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwxrwxrwx"));
    for (int uid : new int[] {STRANGER, USER}) {
      try (FakeHelper helper = new FakeHelper(uid, socket, 9, "silence")) {
        assertStranger(socket, Child.runAs(USER, agent(""), Hello.class.getName(), "0"));
        assertEquals(List.of(), helper.end());
      }
      Files.delete(socket);
    }
  }

  /** Root has the number of a stranger there, and is known by where its folder is. */
  @Test
  void inAUserNamespaceTheDefaultFolderSaysWhoseHelperItIs() throws Exception {
    Path roots = FakeHelper.folder(temporary.resolve("roots"), 0);
    try (ProtocolServer helper = new ProtocolServer(roots.resolve("s"))) {
      Child.Result there =
          Child.runInContainer(
              USER, roots, Child.agent("socket=/run/underpass/s"), Hello.class.getName(), "0");
      assertEquals(List.of(), there.err());
      assertEquals(1, helper.registrations.size());
      assertStranger(
          roots.resolve("s"),
          Child.runInContainer(
              USER,
              roots,
              Child.agent(Child.socket(roots.resolve("s"))),
              Hello.class.getName(),
              "0"));
      assertEquals(1, helper.registrations.size());
    }
  }

  /** A runtime image need not have the module that asks the kernel who it is. */
  @Test
  void withoutTheKernelsWordTheFolderSaysWhoseHelperItIs() throws Exception {
    String[] small = {"--limit-modules", "java.base,java.instrument"};
    try (FakeHelper _ = new FakeHelper(USER, socket, 9, "silence")) {
      Child.Result result =
          Child.runAs(USER, small[0], small[1], agent(""), Hello.class.getName(), "0");
      assertEquals(List.of(), result.err());
    }
    Path elsewhere = FakeHelper.folder(temporary.resolve("strangers"), STRANGER).resolve("s");
    try (FakeHelper helper = new FakeHelper(STRANGER, elsewhere, 9, "silence")) {
      assertStranger(
          elsewhere,
          Child.runAs(
              USER,
              small[0],
              small[1],
              Child.agent(Child.socket(elsewhere)),
              Hello.class.getName(),
              "0"));
      assertEquals(List.of(), helper.end());
    }
  }

  private String agent(String options) {
    return Child.agent(options + Child.socket(socket));
  }

  private static void assertStranger(Path socket, Child.Result result) {
    assertEquals(List.of("hello"), result.out(), result::toString);
    assertEquals(1, result.err().size(), result::toString);
    assertTrue(
        result
            .err()
            .get(0)
            .startsWith("underpass: running plain: the helper at " + socket + " is not trusted ("),
        result::toString);
  }

  private static void assertInTime(long begin) {
    long seconds = (System.nanoTime() - begin) / 1_000_000_000;
    assertTrue(seconds < START_SECONDS, () -> seconds + " s");
  }

  /** How many threads of that process have to do with a helper's socket at this moment. */
  private static long hanging(String pid) throws IOException {
    try (Stream<Path> threads = Files.list(Path.of("/proc", pid, "task"))) {
      return threads.filter(FakeHelperIT::isHelpers).count();
    }
  }

  private static boolean isHelpers(Path thread) {
    try {
      return Files.readString(thread.resolve("comm")).startsWith("underpass-helpe");
    } catch (IOException e) {
      return false; // it has ended
    }
  }
}
