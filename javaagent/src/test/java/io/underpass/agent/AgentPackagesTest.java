/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.agent;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.underpass.testing.Packages;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

/** The package map of docs/architecture.md, over the compiled classes of the agent. */
class AgentPackagesTest {
  private static final String OWN = "io.underpass.agent.";

  private final Packages agent;

  AgentPackagesTest() throws IOException {
    agent =
        Packages.of(Path.of(System.getProperty("underpass.root", "."), "javaagent/target/classes"));
  }

  @Test
  void noPackageNeedsItself() {
    assertTrue(agent.all().contains(OWN + "hooks"), agent.all().toString());
    assertEquals(Set.of(), agent.inCycles());
  }

  /** Its jar has no more, and is on the class path of every application. */
  @Test
  void itNeedsTheJdkTheProtocolAndTheBytecodeLibrary() {
    Set<String> others = new TreeSet<>();
    for (String name : agent.all()) {
      others.addAll(agent.neededBy(name));
    }
    others.removeIf(
        name ->
            name.startsWith("java.") || name.startsWith(OWN) || name.equals("javax.management"));
    assertEquals(
        Set.of(
            "io.underpass",
            "io.underpass.config",
            "io.underpass.protocol",
            "jdk.net",
            "net.bytebuddy.jar.asm"),
        others);
  }

  @Test
  void onlyTheStartKnowsAllParts() {
    assertEquals(Set.of(), agent.whichNeed((OWN + "boot")::equals));
    assertEquals(Set.of(OWN + "boot"), agent.whichNeed((OWN + "beans")::equals));
    assertEquals(Set.of(OWN + "boot", OWN + "beans"), agent.whichNeed((OWN + "session")::equals));
    assertEquals(Set.of(), own(OWN + "jdk"));
    assertEquals(Set.of(), own(OWN + "bridge"));
    assertEquals(Set.of(OWN + "jdk"), own(OWN + "report"));
    assertEquals(Set.of(OWN + "bridge", OWN + "jdk"), own(OWN + "weave"));
    assertEquals(Set.of(OWN + "bridge", OWN + "jdk", OWN + "report"), own(OWN + "hooks"));
  }

  private Set<String> own(String name) {
    Set<String> needed = new TreeSet<>(agent.neededBy(name));
    needed.removeIf(other -> !other.startsWith(OWN));
    return needed;
  }
}
