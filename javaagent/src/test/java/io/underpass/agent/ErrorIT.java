/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.agent;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.underpass.agent.child.Server;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** An error inside of the agent: the program does not see it, and whoever looks does. */
@Timeout(120)
class ErrorIT {
  @TempDir Path folder;

  static List<Jdk> jdks() {
    return Jdk.both();
  }

  @ParameterizedTest
  @MethodSource("jdks")
  void anErrorIsOneLineAndOneRowAndTheProgramGoesOn(Jdk jdk) throws Exception {
    String jar = AgentJar.thatFailsIn(folder, "hooks/SocketTable", "remove");
    try (ProtocolServer helper = new ProtocolServer(folder.resolve("s"));
        Child child =
            Child.start(
                jdk,
                "-javaagent:" + jar + "=" + Child.socket(helper.socket()),
                Server.class.getName())) {
      assertEquals("ready", child.line());
      for (int i = 0; i < 3; i++) {
        child.send("new");
        assertEquals("new true", child.line());
      }
      child.send("exchange");
      assertEquals("got 2", child.line());
      List<String> jmx = child.ask("jmx");
      assertTrue(jmx.contains("State=registered"), jmx::toString);
      String errors = valueOf(jmx, "SuppressedErrors");
      assertTrue(Integer.parseInt(errors) >= 6, errors);
      String rows = valueOf(jmx, "LastErrors");
      assertTrue(rows.contains("type:java.lang.NullPointerException"), rows);
      assertTrue(rows.contains("message:broken for a test"), rows);
      assertTrue(rows.contains("io.underpass.agent.hooks.SocketTable.remove("), rows);
      assertTrue(rows.contains("count:"), rows);
      while (child.errors().isEmpty()) {
        Thread.sleep(5);
      }
      Thread.sleep(200); // for another one, which there must not be for each error
      List<String> lines = child.errors();
      assertTrue(lines.size() <= rows.split("type:", -1).length - 1, lines::toString);
      assertTrue(
          lines
              .get(0)
              .startsWith(
                  "underpass: the agent failed, and the program goes on"
                      + " (java.lang.NullPointerException: broken for a test at io.underpass.agent.hooks.SocketTable.remove("),
          lines::toString);
    }
  }

  private static String valueOf(List<String> jmx, String name) {
    return jmx.stream()
        .filter(line -> line.startsWith(name + "="))
        .map(line -> line.substring(name.length() + 1))
        .findFirst()
        .orElseThrow();
  }
}
