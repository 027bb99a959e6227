/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.helper;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.underpass.protocol.HelperClient;
import io.underpass.testing.Hostile;
import io.underpass.testing.KernelTest;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * What unprivileged users may do at the socket that everybody has, while somebody else registers
 * there all the time.
 */
@KernelTest
@Timeout(120)
class HostileClientsTest {
  /** Admitted by the policy, which {@link #STRANGER} is not. */
  private static final int TENANT = 2001;

  private static final int STRANGER = 2009;
  private static final List<String> POLICY = List.of("allow uid 0", "allow uid " + TENANT);

  /** Longer than any of these tests. */
  private static final int LINGER_SECONDS = 90;

  private static final Duration CLOSE_BOUND = Duration.ofSeconds(5);

  @TempDir private Path folder;
  private Path program;

  @BeforeEach
  void compile() throws Exception {
    Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwxr-xr-x"));
    program = Hostile.compile(folder);
  }

  private TestServer server(ControlServer.Limits limits, MemoryDatapath datapath) throws Exception {
    return new TestServer(folder, POLICY, limits, datapath, true, true);
  }

  private TestServer server(ControlServer.Limits limits) throws Exception {
    return server(limits, new MemoryDatapath(1024, 2));
  }

  /** Whoever closes them waits for as long as their sender says. */
  @ParameterizedTest
  @CsvSource({
    "true, 2001, plain",
    "true, 2001, urgent",
    "true, 2009, plain",
    "false, 2001, plain",
    "false, 2001, urgent",
    "false, 2001, behind",
    "false, 2001, tail",
    "false, 2009, plain",
    "false, 2009, tail"
  })
  void descriptorsThatAreSentHoldNobody(boolean refusing, int uid, String how) throws Exception {
    MemoryDatapath datapath = new MemoryDatapath(1024, 2);
    try (TestServer server =
            new TestServer(folder, POLICY, TestServer.DEFAULT, datapath, true, refusing);
        Neighbour neighbour = new Neighbour(server.socket);
        Hostile hostile =
            Hostile.start(uid, program, "descriptor", server.socket, LINGER_SECONDS, how)) {
      String sent = hostile.line();
      if (refusing && isFromLinux(6, 16)) {
        // EPERM; or the server has already closed (EPIPE).
        assertTrue(List.of("refused 1", "refused 32").contains(sent), sent);
      } else if (sent.equals("sent")) {
        awaitHangingClose();
      } else {
        assertEquals("refused 32", sent);
        assertTrue(uid == STRANGER || how.equals("tail"), "it came too late");
      }
      neighbour.assertIsWell();
      neighbour.end();
      assertClosesSoon(server);
    }
  }

  private static void assertClosesSoon(TestServer server) {
    long begin = System.nanoTime();
    server.close();
    assertTrue(System.nanoTime() - begin < CLOSE_BOUND.toNanos(), "the stop hangs");
  }

  /** The attack is one: a thread that closes hangs, alone. */
  private static void awaitHangingClose() throws InterruptedException {
    while (Thread.getAllStackTraces().entrySet().stream()
        .noneMatch(
            t ->
                t.getKey().getName().startsWith("underpass-close-")
                    && List.of(t.getValue()).toString().contains("UnixStream.close"))) {
      Thread.sleep(10);
    }
  }

  private static boolean isFromLinux(int major, int minor) {
    String[] version = System.getProperty("os.version").split("[.-]", -1);
    int its = Integer.parseInt(version[0]);
    return its > major || (its == major && Integer.parseInt(version[1]) >= minor);
  }

  @Test
  void connectionsThatDoNotRegisterAreEndedAndLeaveRoomForOthers() throws Exception {
    Duration patience = Duration.ofSeconds(1);
    try (TestServer server = server(TestServer.limits(200, 16, patience, 1 << 20));
        Neighbour neighbour = new Neighbour(server.socket);
        Hostile tenant = Hostile.start(TENANT, program, "idle", server.socket, 300);
        Hostile stranger = Hostile.start(STRANGER, program, "idle", server.socket, 300)) {
      assertEquals("opened", tenant.line());
      assertEquals("opened", stranger.line());
      neighbour.assertIsWell();
      Thread.sleep(2 * patience.toMillis());
      assertEquals("ended 300", tenant.finish());
      assertEquals("ended 300", stranger.finish());
      neighbour.assertIsWell();
    }
  }

  @Test
  void registeringInALoopIsSlowedDown() throws Exception {
    ControlServer.Limits slow =
        new ControlServer.Limits(1100, 64, 20, 0.1, Duration.ofSeconds(5), 4 << 20);
    int seconds = 5;
    try (TestServer server = server(slow);
        Neighbour neighbour = new Neighbour(server.socket);
        Hostile loop = Hostile.start(TENANT, program, "loop", server.socket, seconds)) {
      neighbour.assertIsWell();
      int registered = Integer.parseInt(loop.line().substring("registered ".length()));
      // What was saved up, and what the time gives.
      assertTrue(registered <= 256 + 20 * (seconds + 2), () -> registered + " times");
      assertTrue(registered >= 20 * (seconds - 2), () -> registered + " times");
    }
  }

  /** So many that they would take every thread, with a look at their files that does not end. */
  @Test
  void registrationsThatHangTakeNobodyElsesPlace() throws Exception {
    MemoryDatapath datapath = new MemoryDatapath(1024, 2);
    datapath.hangingUid = TENANT;
    try (TestServer server = server(TestServer.DEFAULT, datapath);
        Hostile crowd = Hostile.start(TENANT, program, "crowd", server.socket, 40, 0)) {
      assertEquals("started", crowd.line());
      Thread.sleep(500);
      try (Neighbour neighbour = new Neighbour(server.socket)) {
        neighbour.assertIsWell();
      }
      assertClosesSoon(server);
    } finally {
      datapath.hanging.countDown();
    }
  }

  @Test
  void repliesThatNobodyReadsEndNobodyElsesConnection() throws Exception {
    MemoryDatapath datapath = new MemoryDatapath(1024, 1000);
    try (TestServer server =
            server(TestServer.limits(1100, 64, Duration.ofSeconds(5), 1 << 20), datapath);
        HelperClient other = server.client();
        Hostile crowd = Hostile.start(TENANT, program, "crowd", server.socket, 30, 50)) {
      other.register("on").orThrow();
      assertEquals("started", crowd.line());
      for (int i = 0; i < 20; i++) {
        long begin = System.nanoTime();
        assertEquals(1000, other.flows(1000).size());
        assertTrue(System.nanoTime() - begin < 2_000_000_000L, "it waits for the others' readers");
        Thread.sleep(20);
      }
    }
  }

  @Test
  void questionsWithoutEndHoldUpNobody() throws Exception {
    try (TestServer server = server(TestServer.DEFAULT, new MemoryDatapath(1024, 200));
        Neighbour neighbour = new Neighbour(server.socket)) {
      List<Hostile> floods = new ArrayList<>();
      for (String question : List.of("STATUS", "FLOWS limit=1000", "TOTALS", "PORTS limit=1000")) {
        floods.add(Hostile.start(TENANT, program, "flood", server.socket, 5, question));
        floods.add(Hostile.start(STRANGER, program, "flood", server.socket, 5, question));
      }
      neighbour.assertIsWell();
      for (int i = 0; i < floods.size(); i++) {
        int answered = Integer.parseInt(floods.get(i).line().substring("answered ".length()));
        boolean admitted = i % 2 == 0;
        assertEquals(admitted, answered > 0, "whether it was answered");
        floods.get(i).close();
      }
      neighbour.assertIsWell();
    }
  }

  /** However many have what they may have, whoever comes next still finds some. */
  @Test
  void oneUsersRegistrationsLeaveRoomForOthers() throws Exception {
    try (TestServer server = server(TestServer.limits(40, 64, Duration.ofSeconds(5), 1 << 20));
        Hostile crowd = Hostile.start(TENANT, program, "crowd", server.socket, 60, 0)) {
      assertEquals("started", crowd.line());
      while (server.datapath.admitted().size() < 20) {
        Thread.sleep(10);
      }
      Thread.sleep(500);
      assertEquals(20, server.datapath.admitted().size());
      try (Neighbour neighbour = new Neighbour(server.socket)) {
        neighbour.assertIsWell();
      }
    }
  }
}
