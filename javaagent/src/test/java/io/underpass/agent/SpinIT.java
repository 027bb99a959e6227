/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.agent;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.underpass.agent.child.Rally;
import io.underpass.testing.HelperProcess;
import io.underpass.testing.KernelTest;
import io.underpass.testing.Pinning;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Reads that spin, of sockets that a helper has enrolled. */
@KernelTest
@Timeout(120)
class SpinIT {
  private static final String PROGRAM = Rally.class.getName();

  /** All that the program can be asked. */
  private static final List<String> WORDS =
      List.of(
          "sockets",
          "channels",
          "selectors",
          "selects",
          "close",
          "interrupt",
          "timeout",
          "shutdown");

  @TempDir Path folder;

  @Test
  void aProgramSeesTheSame() throws Exception {
    List<String> plain;
    try (Child child = Child.start(PROGRAM)) {
      plain = lines(child);
    }
    assertEquals(
        List.of(
            "in order",
            "in order",
            "in order",
            "[BYTES 1 keys, CLOSE closed, INTERRUPT 0 keys, TIMEOUT 0 keys, WAKE_UP 0 keys]",
            "[SocketException] [closed]",
            "[ClosedByInterruptException]",
            "[Read timed out]",
            "[read -1] [read -1]"),
        plain);
    Path socket = folder.resolve("s");
    try (HelperProcess _ = new HelperProcess(socket, Pinning.newFolder());
        Child child = Child.start(Child.agent(Child.socket(socket)), PROGRAM)) {
      for (int i = 0; i < 5; i++) {
        assertEquals(plain, lines(child));
      }
      List<String> jmx = child.ask("jmx");
      assertTrue(jmx.contains("SuppressedErrors=0"), jmx::toString);
      assertTrue(jmx.contains("NotInstrumented=[]"), jmx::toString);
      assertEquals(List.of(), child.errors());
    }
  }

  @Test
  void readsOfEnrolledSocketsSpin() throws Exception {
    Assumptions.assumeFalse(hasOneProcessor(), "the machine has one processor");
    Path socket = folder.resolve("s");
    try (HelperProcess _ = new HelperProcess(socket, Pinning.newFolder());
        Child child = Child.start(Child.agent(Child.socket(socket)), PROGRAM)) {
      for (String word : List.of("sockets", "channels", "selectors")) {
        long before = spins(child);
        // As soon as the machine has a processor to spare.
        while (spins(child) == before) {
          child.send(word);
          assertEquals("in order", child.line());
        }
      }
    }
  }

  @Test
  void readsOfOtherSocketsDoNot() throws Exception {
    try (ProtocolServer helper = new ProtocolServer(folder.resolve("s"));
        Child child = Child.start(Child.agent(Child.socket(helper.socket())), PROGRAM)) {
      lines(child);
      assertEquals(0, spins(child));
      assertEquals(List.of(), child.errors());
    }
  }

  @Test
  void readsDoNotWhereTheyAreToldNotTo() throws Exception {
    Path socket = folder.resolve("s");
    try (HelperProcess _ = new HelperProcess(socket, Pinning.newFolder());
        Child child = Child.start(Child.agent("spin=off," + Child.socket(socket)), PROGRAM)) {
      lines(child);
      assertEquals(0, spins(child));
      assertEquals(List.of(), child.errors());
    }
  }

  private static List<String> lines(Child child) throws Exception {
    List<String> lines = new ArrayList<>();
    for (String word : WORDS) {
      child.send(word);
      lines.add(child.line());
    }
    return lines;
  }

  private static long spins(Child child) throws Exception {
    return child.ask("jmx").stream()
        .filter(line -> line.matches("Spins(Won|Lost)=.*"))
        .mapToLong(line -> Long.parseLong(line.replaceFirst(".*=", "")))
        .sum();
  }

  /** Of the machine; those of this JVM may be fewer. */
  private static boolean hasOneProcessor() throws IOException {
    return Files.readString(Path.of("/sys/devices/system/cpu/online")).strip().equals("0");
  }
}
