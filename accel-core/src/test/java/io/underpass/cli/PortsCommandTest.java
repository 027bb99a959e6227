/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.underpass.protocol.GroupWish;
import io.underpass.protocol.HelperClient;
import io.underpass.protocol.PortRanges;
import io.underpass.testing.KernelTest;
import java.io.BufferedReader;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** {@code underpass ports}, asked by people and by scripts. This JVM is in the group. */
@KernelTest
@Timeout(120)
class PortsCommandTest {
  private static final Path PINS = Path.of("/sys/fs/bpf/underpass-ports-command");

  @TempDir private Path folder;

  @Test
  void portsAreListedAndResolved() throws Exception {
    Path socket = folder.resolve("helper.sock");
    Process helper =
        new CommandLineProcess()
            .start(folder.resolve("err"), "helper", "--socket", socket, "--pin-dir", PINS);
    try {
      BufferedReader out = helper.inputReader(StandardCharsets.UTF_8);
      assertEquals("underpass: helper ready on " + socket, out.readLine());
      GroupWish wish = new GroupWish("blue", PortRanges.parse("8080-8090"), PortRanges.NONE, "");
      try (HelperClient client = HelperClient.connect(socket, Duration.ofSeconds(20))) {
        assertEquals("blue", client.register("on", wish).text("group"));
        try (ServerSocket bound = new ServerSocket(8080, 5, InetAddress.getLoopbackAddress())) {
          assertEquals(8080, bound.getLocalPort());
          CommandLineProcess.Result list = run("--socket", socket);
          assertEquals(0, list.exit(), list.err());
          List<String> lines = list.out().lines().toList();
          assertEquals(2, lines.size(), list.out());
          assertTrue(lines.get(0).startsWith("group  port   real  protocol"), list.out());
          String real = resolved("resolve", "--socket", socket, "blue", "8080");
          String row =
              "blue +8080 +"
                  + real
                  + " +tcp +127\\.0\\.0\\.1 +"
                  + ProcessHandle.current().pid()
                  + " +\\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d:\\d\\d +group";
          assertTrue(Pattern.matches(row, lines.get(1)), list.out());
          assertEquals(
              "underpass: nobody of group blue has bound udp port 8080\n",
              refused(1, "resolve", "--socket", socket, "blue", "8080", "--udp"));
          assertEquals(
              "underpass: nobody of group purple has bound tcp port 8080\n",
              refused(1, "resolve", "--socket", socket, "purple", "8080"));
        }
      }
      assertEquals(
          "underpass: \"70000\" is no port from 1 to 65535\n",
          refused(2, "resolve", "blue", "70000"));
      assertEquals(
          "underpass: \"80-90\" is not one port\n", refused(2, "resolve", "blue", "80-90"));
      assertTrue(refused(2, "resolve", "bl/ue", "80").startsWith("underpass: \"bl/ue\": "));
    } finally {
      helper.destroy();
      helper.waitFor();
    }
  }

  private static String resolved(Object... arguments) throws Exception {
    CommandLineProcess.Result result = run(arguments);
    assertEquals(0, result.exit(), result.err());
    return result.out().strip();
  }

  private static String refused(int exit, Object... arguments) throws Exception {
    CommandLineProcess.Result result = run(arguments);
    assertEquals(exit, result.exit(), result.out());
    return result.err();
  }

  private static CommandLineProcess.Result run(Object... arguments) throws Exception {
    Object[] all = new Object[arguments.length + 1];
    all[0] = "ports";
    System.arraycopy(arguments, 0, all, 1, arguments.length);
    return new CommandLineProcess().run(all);
  }
}
