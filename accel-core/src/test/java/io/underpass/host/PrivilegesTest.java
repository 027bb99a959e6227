/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.host;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.underpass.testing.LeastPrivilege;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the helper may do is said in three places, and they say the same. */
class PrivilegesTest {
  private static final Path ROOT = Path.of(System.getProperty("underpass.root", "."));
  private static final long SIX = 0xc000281004L;

  @Test
  void theCommandAndTheUnitLeaveWhatTheHelperAsksFor() throws Exception {
    Set<String> asked = new TreeSet<>(Privileges.names());
    assertEquals(asked, new TreeSet<>(LeastPrivilege.capabilities()), "bin/underpass");
    List<String> unit = Files.readAllLines(ROOT.resolve("dist/underpass.service.in"));
    assertEquals(asked, ofUnit(unit, "CapabilityBoundingSet="));
    assertEquals(asked, ofUnit(unit, "AmbientCapabilities="));
    assertTrue(unit.contains("NoNewPrivileges=yes"));
  }

  private static Set<String> ofUnit(List<String> unit, String setting) {
    Set<String> names = new TreeSet<>();
    for (String line : unit) {
      if (line.startsWith(setting)) {
        for (String name : line.substring(setting.length()).split(" ", -1)) {
          names.add(name.substring("CAP_".length()).toLowerCase(Locale.ROOT));
        }
      }
    }
    return names;
  }

  /** Where the machine has systemd's own check, which starts nothing. */
  @Test
  void theUnitIsOneForSystemd(@TempDir Path folder) throws Exception {
    Path check = Path.of("/usr/bin/systemd-analyze");
    String text = Files.readString(ROOT.resolve("dist/underpass.service.in"));
    assertTrue(text.contains("\nExecStart=@PREFIX@/bin/underpass helper\n"));
    if (!Files.isExecutable(check)) {
      return; // the lines above, and the other test, are what is left to compare
    }
    Path unit = folder.resolve("underpass.service");
    Files.writeString(
        unit, text.replace("@PREFIX@/bin/underpass", "/bin/true").replace("@PREFIX@", "/usr"));
    Process verify =
        new ProcessBuilder(check.toString(), "verify", "--man=no", unit.toString())
            .redirectErrorStream(true)
            .start();
    String said = new String(verify.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertEquals(0, verify.waitFor(), said);
    assertEquals("", said);
  }

  @Test
  void whatIsMoreOrLessThanNeededIsSaid() {
    assertEquals(List.of(), Privileges.remarks(new HeldPrivileges(0, SIX, SIX, true)));
    assertEquals(
        List.of(
            "the helper has 35 capabilities that it does not need, or could get them: "
                + Privileges.REMEDY,
            "the helper could get new privileges by a program that it runs: " + Privileges.REMEDY),
        Privileges.remarks(new HeldPrivileges(0, SIX, 0x1ffffffffffL, false)));
    List<String> less = Privileges.remarks(new HeldPrivileges(7, SIX & ~(1L << 21), SIX, true));
    assertEquals(1, less.size());
    assertTrue(less.getFirst().startsWith("without CAP_SYS_ADMIN: connections in"), less::toString);
  }

  @Test
  void everyThreadOfThisJvmIsLookedAt() throws IOException {
    HeldPrivileges own = HeldPrivileges.ofSelf();
    assertEquals(HeldPrivileges.ownUid(), own.uid());
    assertEquals(own.effective(), own.effective() & own.any());
  }
}
