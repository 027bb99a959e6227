package io.underpass.agent;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.underpass.agent.child.Rally;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Reads that spin, of sockets that count as enrolled: at the level SOL_SOCKET the option that asks
 * is SO_BROADCAST, which always has an answer.
 */
@Timeout(120)
class SpinIT {
  private static final String PROGRAM = Rally.class.getName();
  private static final int SOL_SOCKET = 1;

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
    try (ProtocolServer helper = new ProtocolServer(folder.resolve("s"), SOL_SOCKET);
        Child child = Child.start(Child.agent(Child.socket(helper.socket())), PROGRAM)) {
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
    try (ProtocolServer helper = new ProtocolServer(folder.resolve("s"), SOL_SOCKET);
        Child child = Child.start(Child.agent(Child.socket(helper.socket())), PROGRAM)) {
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
    try (ProtocolServer helper = new ProtocolServer(folder.resolve("s"), SOL_SOCKET);
        Child child =
            Child.start(Child.agent("spin=off," + Child.socket(helper.socket())), PROGRAM)) {
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
