/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.agent;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.underpass.agent.child.Hello;
import io.underpass.agent.child.PortHolder;
import io.underpass.datapath.KernelSource;
import io.underpass.helper.Helper;
import io.underpass.kernel.BuiltObject;
import io.underpass.service.HelperConfig;
import io.underpass.testing.KernelTest;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Port groups, from the agent's option to the kernel: the helper is the real one. */
@KernelTest
@Timeout(120)
class PortsIT {
  private static final String PROGRAM = PortHolder.class.getName();

  @TempDir static Path folder;
  private static Helper helper;

  /** There while the hooks of datagrams are attached. */
  private static Path hook;

  /** That of the groups. */
  private static int port;

  /** More than {@link #port}: the end of a range. */
  private static int last;

  @BeforeAll
  static void startHelper() throws Exception {
    port = freePort();
    last = port + 10;
    Path policy = folder.resolve("policy");
    Files.writeString(
        policy,
        "allow uid 0\ngroup blue uid 0 publish "
            + port
            + " identity 127.20.0.7\ngroup green uid 0\n");
    Path pins = Path.of("/sys/fs/bpf/underpass-agent-test-" + ProcessHandle.current().pid());
    helper =
        Helper.start(
            HelperConfig.defaults()
                .withSocket(folder.resolve("s"))
                .withPolicyFile(policy)
                .withBpffs(pins),
            new KernelSource());
    hook = BuiltObject.PORTS.pinFolder(pins).resolve("link_up_sendmsg4");
  }

  @AfterAll
  static void stopHelper() {
    if (helper != null) {
      helper.close();
    }
  }

  @Test
  void twoUnchangedServersOnOnePortEachInItsGroup() throws Exception {
    String ports = port + "-" + last;
    try (Child blue = holder("blue", "group=blue,ports=" + ports + ",publish=" + port, port);
        Child green = holder("green", "group=green,ports=" + port, port)) {
      assertEquals("listening on " + port, blue.line());
      assertEquals("listening on " + port, green.line());
      blue.send("ask");
      assertEquals("blue at " + port, blue.line());
      green.send("ask");
      assertEquals("green at " + port, green.line());
      try (Socket outside = new Socket(InetAddress.getLoopbackAddress(), port)) {
        byte[] name = outside.getInputStream().readAllBytes();
        assertEquals("blue", new String(name, StandardCharsets.US_ASCII));
      }
      List<String> jmx = blue.ask("jmx");
      for (String line :
          List.of(
              "Ports.Group=blue",
              "Ports.Joined=true",
              "Ports.Reason=",
              "Ports.Ports=" + ports,
              "Ports.Publish=" + port,
              "Ports.Identity=")) {
        assertTrue(jmx.contains(line), () -> line + " is not in " + jmx);
      }
      String bound = jmx.stream().filter(l -> l.startsWith("Ports.Bound=")).findFirst().orElse("");
      assertTrue(bound.contains("port:" + port) && bound.contains("real:" + port), bound);
      assertTrue(bound.contains("pid:" + blue.pid()) && !bound.contains("green"), bound);
      assertTrue(jmx.contains("SuppressedErrors=0"), jmx::toString);
      assertEquals(List.of(), blue.errors());
      assertEquals(List.of(), green.errors());
    }
  }

  @Test
  void anIdentityIsTold() throws Exception {
    try (Child blue = holder("blue", "group=blue,ports=" + port + ",identity=127.20.0.7", port)) {
      assertEquals("listening on " + port, blue.line());
      blue.send("ask");
      assertEquals("blue at " + port, blue.line());
      assertTrue(blue.ask("jmx").contains("Ports.Identity=127.20.0.7"));
    }
  }

  @Test
  void aHostHasTheHooksOfDatagramsOnlyWhileAMemberMayHaveSome() throws Exception {
    try (Child blue = holder("blue", "group=blue,ports=" + port, port)) {
      assertEquals("listening on " + port, blue.line());
      blue.send("ask");
      assertEquals("blue at " + port, blue.line());
      assertFalse(Files.exists(hook), "a member with TCP alone has them attached");
      blue.send("datagram");
      assertEquals("answered from " + port, blue.line());
      assertTrue(Files.exists(hook), "they are not attached");
      assertEquals(List.of(), blue.errors());
    }
    long end = System.nanoTime() + 20_000_000_000L;
    while (Files.exists(hook)) {
      assertTrue(System.nanoTime() < end, "they are still attached");
      Thread.sleep(5);
    }
  }

  @Test
  void aFirstDatagramWithoutAHelperIsOneLine() throws Exception {
    Path socket = folder.resolve("another");
    Path pins = Path.of("/sys/fs/bpf/underpass-agent-test-b-" + ProcessHandle.current().pid());
    Helper another =
        Helper.start(
            HelperConfig.defaults().withSocket(socket).withBpffs(pins), new KernelSource());
    int other = freePort();
    String options = "group=blue,ports=" + other + "," + Child.socket(socket);
    try (Child blue = Child.start(Child.agent(options), PROGRAM, "blue", Integer.toString(other))) {
      assertEquals("listening on " + other, blue.line());
      another.close();
      // Stopped in good order while a port is bound: the next datagram socket has nobody to ask.
      blue.send("datagram");
      assertEquals("answered from " + other, blue.line());
      List<String> errors = blue.errors();
      assertEquals(1, errors.size(), errors::toString);
      String said = errors.get(0);
      assertTrue(
          said.startsWith("underpass: datagrams of group blue may miss its ports until"), said);
    } finally {
      another.close();
      Helper.start(HelperConfig.defaults().withSocket(socket).withBpffs(pins), new KernelSource())
          .close();
    }
  }

  @Test
  void aRefusedGroupIsOneLineAndTheProgramRunsWithoutIt() throws Exception {
    int other = freePort();
    try (Child purple = holder("purple", "group=purple,ports=" + other, other)) {
      assertEquals("listening on " + other, purple.line());
      assertEquals(
          List.of(
              "underpass: running without group purple, its ports are the host's: group=purple: the"
                  + " policy knows no such group"),
          purple.errors());
      try (Socket outside = new Socket(InetAddress.getLoopbackAddress(), other)) {
        byte[] name = outside.getInputStream().readAllBytes();
        assertEquals("purple", new String(name, StandardCharsets.US_ASCII));
      }
      List<String> jmx = purple.ask("jmx");
      assertTrue(jmx.contains("State=registered"), jmx::toString);
      assertTrue(jmx.contains("Ports.Joined=false"), jmx::toString);
      assertTrue(
          jmx.contains("Ports.Reason=group=purple: the policy knows no such group"), jmx::toString);
    }
  }

  @Test
  void aJvmThatRequiresItsGroupRunsInItOrNotAtAll() throws Exception {
    try (Child blue = holder("blue", "group=blue!,ports=" + port, port)) {
      assertEquals("listening on " + port, blue.line());
      blue.send("ask");
      assertEquals("blue at " + port, blue.line());
      assertEquals(List.of(), blue.errors());
    }
    Child.Result purple =
        Child.run(
            Child.agent("group=purple,required=true," + Child.socket(helper.socket())),
            Hello.class.getName(),
            "0");
    assertEquals(1, purple.code());
    assertEquals(List.of(), purple.out());
    assertEquals(
        List.of(
            "underpass: not started: group purple is required: the helper refused (group=purple: the"
                + " policy knows no such group); admit this user in the helper's policy file"),
        purple.err());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "ports=9090-9080 | ports=9090-9080 (the range 9090-9080 is reversed)",
        "ports=70000     | ports=70000 (",
        "ports=0         | ports=0 (",
        "ports=80;http   | ports=80;http (",
        "publish=99999   | publish=99999 (",
        "identity=nobody | identity=nobody (it is neither auto nor an address to have for oneself)",
      })
  void aBadOptionIsOneLineThatNamesIt(String option, String line) throws Exception {
    int other = freePort();
    try (Child blue = holder("blue", "group=blue," + option, other)) {
      assertEquals("listening on " + other, blue.line());
      List<String> errors = blue.errors();
      assertEquals(1, errors.size(), errors::toString);
      String said = errors.get(0);
      assertTrue(said.startsWith("underpass: ignored " + line), said);
    }
  }

  private static int freePort() throws IOException {
    try (ServerSocket any = new ServerSocket(0)) {
      return any.getLocalPort();
    }
  }

  private static Child holder(String name, String options, int port) throws Exception {
    String all = options + "," + Child.socket(helper.socket());
    return Child.start(Child.agent(all), PROGRAM, name, Integer.toString(port));
  }
}
