/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.agent;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.underpass.agent.child.Intruder;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What is opened to the agent is opened to nobody else, whatever he gets hold of. */
@Timeout(120)
class EncapsulationIT {
  /**
   * A method that cannot be called, nor made callable, nor looked into; and a start that is none.
   */
  private static final String CLOSED =
      "IllegalAccessException, InaccessibleObjectException, IllegalAccessException, null";

  @TempDir Path folder;

  @Test
  void aProgramGetsNoWayIntoTheJdkByTheAgent() throws Exception {
    try (ProtocolServer helper = new ProtocolServer(folder.resolve("s"))) {
      Child.Result result =
          Child.run(
              "-Djavax.management.builder.initial=" + Intruder.Builder.class.getName(),
              Child.agent(Child.socket(helper.socket())),
              Intruder.class.getName(),
              Child.socket(helper.socket()));
      assertEquals(0, result.code(), result::toString);
      assertEquals(
          List.of(
              "loader of Accelerator: null",
              "bean Accelerator: true",
              "loader of Flows: null",
              "bean Flows: true",
              "loader of Ports: null",
              "bean Ports: true",
              "the wish: InaccessibleObjectException",
              "bridge: IllegalAccessException",
              "agent of the bridge: InaccessibleObjectException",
              "another agent: null",
              "implementation, the agent's: " + CLOSED,
              "instrumentation",
              "instrumentation, the agent's: " + CLOSED,
              "interface, the agent's: " + CLOSED,
              "registration, the agent's: " + CLOSED,
              "thread, its own: threw IllegalAccessException, threw IllegalAccessException, -"),
          result.out());
      assertTrue(
          result.err().stream().allMatch(l -> l.startsWith("underpass: running plain: ")),
          result::toString);
    }
  }
}
