package io.underpass.helper;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class AuditTest {
  private final List<String> lines = new ArrayList<>();
  private final Audit audit = new Audit(lines::add);

  @Test
  void aRepeatedRefusalIsCountedNotRepeated() {
    for (int i = 0; i < 1000; i++) {
      audit.refused("denied uid=7", "the policy");
    }
    assertEquals(
        List.of(
            "underpass: denied uid=7: the policy",
            "underpass: denied uid=7: the policy (10 times)",
            "underpass: denied uid=7: the policy (100 times)",
            "underpass: denied uid=7: the policy (1000 times)"),
        lines);
  }

  @Test
  void endlesslyManyKindsAreCountedTogether() {
    for (int i = 0; i < 100_000; i++) {
      audit.refused("kind " + i, "");
    }
    assertTrue(lines.size() < 300, () -> lines.size() + " lines");
    assertTrue(lines.getLast().startsWith("underpass: refused: others"), lines.getLast());
  }

  @Test
  void aFloodOfEventsIsCutShort() {
    for (int i = 0; i < 10_000; i++) {
      audit.event("registered");
    }
    assertTrue(lines.size() < 1000, () -> lines.size() + " lines");
  }
}
