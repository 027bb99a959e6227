/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.bpf.ports;

import static io.underpass.bpf.ports.Lines.assertMatches;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.underpass.bpf.HelperFolders;
import io.underpass.protocol.PortView;
import io.underpass.testing.Gcc;
import io.underpass.testing.HelperProcess;
import io.underpass.testing.KernelTest;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Helpers and members that end, in every order, and what is bound meanwhile. */
@KernelTest
@Timeout(120)
class LifetimeTest extends HelperFolders {
  private final List<Cast> cast = new ArrayList<>();

  private Path policy() throws IOException {
    return Files.writeString(
        folder.resolve("policy"), "allow uid 0\ngroup * uid 0 identity 10.213.8.0/24\n");
  }

  @AfterEach
  void endMembers() throws IOException {
    cast.forEach(Cast::kill);
    Files.deleteIfExists(folder.resolve("member"));
    Files.deleteIfExists(folder.resolve("policy"));
  }

  @Test
  void boundPortsGoOnWhenTheHelperIsKilledAndAreAdopted() throws Exception {
    HelperProcess first = new HelperProcess(socket, pins, policy());
    Cast one = member("blue", "7871-7889", "10.213.8.1");
    Cast two = member("blue", "7871-7889", "-");
    assertEquals("10.213.8.1:7871", one.say("serve one channel :: 7871"));
    first.kill();
    assertMatches("one at .*:7871 .*", two.say("connect socket 127.0.0.1 7871"));
    assertEquals("127.0.0.1:7872", two.say("serve two socket 127.0.0.1 7872"));
    assertMatches("two at .*:7872 .*", one.say("connect socket 127.0.0.1 7872"));
    try (HelperProcess second = new HelperProcess(socket, pins)) {
      assertEquals(
          List.of(7871, 7872), PortsBed.ports(socket).stream().map(PortView::virtual).toList());
      assertMatches("one at .*:7871 .*", two.say("connect channel 127.0.0.1 7871"));
      one.kill();
      two.kill();
      assertEquals(List.of(), PortsBed.ports(socket));
      IdentityTest.awaitGone("10.213.8.1");
      second.stop();
    }
  }

  @Test
  void anOrderlyStopStrandsNobodyWhoIsBound() throws Exception {
    HelperProcess first = new HelperProcess(socket, pins, policy());
    Cast one = member("blue", "7871-7889", "10.213.8.2");
    Cast two = member("blue", "7871-7889", "-");
    assertEquals("10.213.8.2:7871", one.say("serve one channel :: 7871"));
    first.stop();
    assertTrue(HelperProcess.left(pins), "nothing is pinned");
    assertMatches("one at .*:7871 .*", two.say("connect socket 127.0.0.1 7871"));
    assertTrue(IdentityTest.isLocal("10.213.8.2"));
    try (HelperProcess second = new HelperProcess(socket, pins)) {
      assertEquals(7871, PortsBed.ports(socket).get(0).virtual());
      one.kill();
      two.kill();
      second.stop();
    }
    assertFalse(HelperProcess.left(pins), "pins are left");
    assertFalse(IdentityTest.isLocal("10.213.8.2"), "an address is left");
  }

  @Test
  void aDrainSaysWhoKeepsPortGroupsAndTheNextOneTakesThemAway() throws Exception {
    try (HelperProcess helper = new HelperProcess(socket, pins)) {
      Cast one = member("blue", "7871", "-");
      Cast two = member("blue", "7871", "-");
      assertEquals("127.0.0.1:7871", one.say("serve one socket 127.0.0.1 7871"));
      HelperProcess.Result drain = drain();
      assertEquals(1, drain.exit(), drain::out);
      assertTrue(drain.out().contains("hold 1 ports and addresses of port groups"), drain::out);
      assertEquals(0, helper.awaitEnd());
      assertTrue(HelperProcess.left(pins), "nothing is pinned");
      assertMatches("one at .*:7871 .*", two.say("connect socket 127.0.0.1 7871"));

      HelperProcess.Result still = drain(); // by itself: there is no helper
      assertEquals(1, still.exit(), still::out);
      assertMatches("one at .*:7871 .*", two.say("connect channel 127.0.0.1 7871"));
      one.kill();
      two.kill();
      HelperProcess.Result last = drain();
      assertEquals(0, last.exit(), last::out);
    }
    assertFalse(HelperProcess.left(pins), "pins are left");
  }

  /** As a container's is, by default: it has not one capability. */
  @Test
  void rootHasNoAddressOfAnotherHostWithoutALineOfThePolicy() throws Exception {
    try (HelperProcess helper = new HelperProcess(socket, pins)) {
      Cast denied = root("10.213.9.53");
      assertEquals(
          "! denied identity=10.213.9.53: the policy does not let uid 0 take it", denied.start);
      assertFalse(IdentityTest.isLocal("10.213.9.53"), "it was added");
      Cast joined = root("127.20.9.53");
      assertEquals("joined 127.20.9.53", joined.start);
      cast.forEach(Cast::kill);
      helper.stop();
    }
  }

  private Cast root(String identity) throws IOException {
    Cast made =
        Cast.user(
            0,
            Path.of(System.getProperty("java.class.path")),
            List.of(),
            List.of(socket.toString(), "blue", "7871", "-", identity));
    cast.add(made);
    return made;
  }

  private HelperProcess.Result drain() throws Exception {
    return HelperProcess.underpass("drain", "--socket", socket, "--pin-dir", pins, "--wait", 5);
  }

  @Test
  void aStopWithNothingBoundLeavesNothing() throws Exception {
    try (HelperProcess helper = new HelperProcess(socket, pins)) {
      Cast one = member("blue", "7871", "-");
      assertEquals("127.0.0.1:7871", one.say("serve one socket 127.0.0.1 7871"));
      assertEquals("closed", one.say("close"));
      while (!PortsBed.ports(socket).isEmpty()) {
        Thread.sleep(5); // its thread may still be inside of accept()
      }
      helper.stop();
    }
    assertFalse(HelperProcess.left(pins), "pins are left");
  }

  @Test
  void aProcessThatGetsAMembersPidIsNoMember() throws Exception {
    HelperProcess first = new HelperProcess(socket, pins);
    Cast one = member("blue", "7871", "-");
    List<Cast> dead =
        List.of(
            member("blue", "7871", "-"), member("blue", "7871", "-"), member("blue", "7871", "-"));
    assertMatches(".*:7871", one.say("serve one socket 127.0.0.1 7871"));
    first.kill(); // so that nobody takes the dead members off the list
    dead.forEach(Cast::kill);
    boolean again = false;
    // Any thread may get the pid of one, and keep it; hardly those of all.
    for (Cast gone : dead) {
      again |= connectsWithPid(gone.pid());
    }
    assertTrue(again, "no pid came again");
    one.kill();
    try (HelperProcess second = new HelperProcess(socket, pins)) {
      second.stop();
    }
  }

  /**
   * Lets twenty processes that ask for this pid connect to a virtual port; none gets through. Made
   * by a shell, of one thread, so that nobody else of the test takes the pid.
   *
   * @return whether one had it
   */
  private static boolean connectsWithPid(long pid) throws Exception {
    String attempt = "echo $BASHPID; exec 3<>/dev/tcp/127.0.0.1/7871";
    String script =
        "for i in {1..20}; do echo %d >/proc/sys/kernel/ns_last_pid; ( %s ); done"
            .formatted(pid - 1, attempt);
    Process shell = new ProcessBuilder("bash", "-c", script).redirectErrorStream(true).start();
    List<String> said = shell.inputReader().readAllLines();
    shell.waitFor();
    assertEquals(
        20,
        said.stream().filter(line -> line.endsWith("connect: Connection refused")).count(),
        said::toString);
    return said.contains(Long.toString(pid));
  }

  @Test
  void aChildIsNoMemberButKeepsWhatItInherits() throws Exception {
    Path program = Gcc.compile("bpf/src/test/c/member.c", folder);
    try (HelperProcess helper = new HelperProcess(socket, pins)) {
      Cast blue = member("blue", "-", "-");
      Cast plain = Cast.plain();
      cast.add(plain);
      Process process =
          new ProcessBuilder(program.toString(), socket.toString(), "blue")
              .redirectError(ProcessBuilder.Redirect.INHERIT)
              .start();
      BufferedReader out = process.inputReader();
      assertEquals("member sees 7871", out.readLine());
      long child = Long.parseLong(out.readLine().substring("pid ".length()));
      try {
        assertEquals("child bound 7872", out.readLine());
        assertEquals("heir sees 7871", out.readLine());
        process.outputWriter().close();
        assertEquals(0, process.waitFor());
        assertMatches("heir at 7871 .*", blue.say("connect socket 127.0.0.1 7871"));
        assertMatches("! ConnectException .*", plain.say("connect socket 127.0.0.1 7871"));
        List<PortView> ports = PortsBed.ports(socket);
        assertEquals(1, ports.size(), ports::toString); // 7872 is the host's
        assertEquals(7871, ports.get(0).virtual());
      } finally {
        ProcessHandle.of(child).ifPresent(ProcessHandle::destroyForcibly);
      }
      while (!PortsBed.ports(socket).isEmpty()) {
        Thread.sleep(5); // until the killed child has ended
      }
      helper.stop();
    }
  }

  private Cast member(String group, String ports, String identity) throws IOException {
    Cast made = Cast.member(socket, group, ports, "-", identity);
    cast.add(made);
    assertMatches("joined .*", made.start);
    return made;
  }
}
