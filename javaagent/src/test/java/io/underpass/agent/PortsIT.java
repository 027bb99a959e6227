package io.underpass.agent;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.underpass.agent.child.PortHolder;
import io.underpass.helper.Helper;
import io.underpass.helper.HelperConfig;
import io.underpass.testing.KernelTest;
import java.net.InetAddress;
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

/** Port groups, from the agent's option to the kernel: the helper is the real one. */
@KernelTest
@Timeout(120)
class PortsIT {
  private static final String PROGRAM = PortHolder.class.getName();

  @TempDir static Path folder;
  private static Helper helper;

  @BeforeAll
  static void startHelper() throws Exception {
    Path policy = folder.resolve("policy");
    Files.writeString(
        policy,
        "allow uid 0\ngroup blue uid 0 publish 18080 identity 127.20.0.7\ngroup green uid 0\n");
    helper =
        Helper.start(
            HelperConfig.defaults()
                .withSocket(folder.resolve("s"))
                .withPolicyFile(policy)
                .withBpffs(
                    Path.of("/sys/fs/bpf/underpass-agent-test-" + ProcessHandle.current().pid())));
  }

  @AfterAll
  static void stopHelper() {
    if (helper != null) {
      helper.close();
    }
  }

  @Test
  void twoUnchangedServersOnOnePortEachInItsGroup() throws Exception {
    try (Child blue = holder("blue", "group=blue,ports=18080-18090,publish=18080", 18080);
        Child green = holder("green", "group=green,ports=18080", 18080)) {
      assertEquals("listening on 18080", blue.line());
      assertEquals("listening on 18080", green.line());
      blue.send("ask");
      assertEquals("blue at 18080", blue.line());
      green.send("ask");
      assertEquals("green at 18080", green.line());
      try (Socket outside = new Socket(InetAddress.getLoopbackAddress(), 18080)) {
        byte[] name = outside.getInputStream().readAllBytes();
        assertEquals("blue", new String(name, StandardCharsets.US_ASCII));
      }
      List<String> jmx = blue.ask("jmx");
      for (String line :
          List.of(
              "Ports.Group=blue",
              "Ports.Joined=true",
              "Ports.Reason=",
              "Ports.Ports=18080-18090",
              "Ports.Publish=18080",
              "Ports.Identity=")) {
        assertTrue(jmx.contains(line), () -> line + " is not in " + jmx);
      }
      String bound = jmx.stream().filter(l -> l.startsWith("Ports.Bound=")).findFirst().orElse("");
      assertTrue(bound.contains("port:18080") && bound.contains("real:18080"), bound);
      assertTrue(bound.contains("pid:" + blue.pid()) && !bound.contains("green"), bound);
      assertTrue(jmx.contains("SuppressedErrors=0"), jmx::toString);
      assertEquals(List.of(), blue.errors());
      assertEquals(List.of(), green.errors());
    }
  }

  @Test
  void anIdentityIsTold() throws Exception {
    try (Child blue = holder("blue", "group=blue,ports=18080,identity=127.20.0.7", 18080)) {
      assertEquals("listening on 18080", blue.line());
      blue.send("ask");
      assertEquals("blue at 18080", blue.line());
      assertTrue(blue.ask("jmx").contains("Ports.Identity=127.20.0.7"));
    }
  }

  @Test
  void aRefusedGroupIsOneLineAndTheProgramRunsWithoutIt() throws Exception {
    try (Child purple = holder("purple", "group=purple,ports=18085", 18085)) {
      assertEquals("listening on 18085", purple.line());
      assertEquals(
          List.of(
              "underpass: running without group purple: group=purple: the policy knows no such"
                  + " group"),
          purple.errors());
      try (Socket outside = new Socket(InetAddress.getLoopbackAddress(), 18085)) {
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
  void aBadOptionIsOneLineThatNamesIt() throws Exception {
    try (Child blue = holder("blue", "group=blue,ports=18090-18080", 18086)) {
      assertEquals("listening on 18086", blue.line());
      assertEquals(
          List.of("underpass: ignored ports=18090-18080 (the range 18090-18080 is reversed)"),
          blue.errors());
    }
  }

  private static Child holder(String name, String options, int port) throws Exception {
    String all = options + "," + Child.socket(helper.socket());
    return Child.start(Child.agent(all), PROGRAM, name, Integer.toString(port));
  }
}
