/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.samples.ports;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.underpass.samples.process.Project;
import io.underpass.testing.KernelTest;
import java.net.ServerSocket;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** {@code make sample-ports} as it is run, with the real helper, and what it prints. */
@KernelTest
@Timeout(120)
class PortsSampleTest {

  /** The client, its port, and who answered with which port. */
  private static final Pattern VISIT =
      Pattern.compile("(.*? client) +localhost:(\\d+) +(\\w+ \\d+) +right *");

  @Test
  void eachClientIsAnsweredByItsGroupsServer() throws Exception {
    int port = freePort();

    Process process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-cp",
                Project.classPath(),
                PortsSample.class.getName(),
                "--port=" + port)
            .redirectErrorStream(true)
            .start();
    process.outputWriter().close();
    List<String> lines = process.inputReader().readAllLines();

    assertEquals(0, process.waitFor(), lines::toString);
    assertTrue(lines.contains("blue server listens on " + port), lines::toString);
    assertTrue(lines.contains("green server listens on " + port), lines::toString);
    String real = realPort(lines, "green", port);
    assertEquals(
        List.of(
            "blue client " + port + " blue " + port,
            "green client " + port + " green " + port,
            "plain client " + port + " blue " + port,
            "plain client " + real + " green " + port),
        lines.stream()
            .map(VISIT::matcher)
            .filter(Matcher::matches)
            .map(m -> m.group(1) + " " + m.group(2) + " " + m.group(3))
            .toList(),
        lines::toString);
  }

  /** From the list that {@code underpass ports} printed: group, port, real port. */
  private static String realPort(List<String> lines, String group, int port) {
    Pattern row = Pattern.compile(" *" + group + " +" + port + " +(\\d+) .*");
    for (String line : lines) {
      Matcher matcher = row.matcher(line);
      if (matcher.matches()) {
        return matcher.group(1);
      }
    }
    throw new AssertionError("no port of " + group + " in " + lines);
  }

  private static int freePort() throws Exception {
    try (ServerSocket any = new ServerSocket(0)) {
      return any.getLocalPort();
    }
  }
}
