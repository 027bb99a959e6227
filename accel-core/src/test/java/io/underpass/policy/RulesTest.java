/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.policy;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.underpass.ffm.Layouts;
import io.underpass.host.HelperException;
import io.underpass.policy.Rules.Decision;
import io.underpass.policy.Rules.Rule;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RulesTest {
  @Test
  void linesAreTakenInTheirOrder(@TempDir Path folder) throws Exception {
    Path file = folder.resolve("rules");
    Files.writeString(
        file,
        """
        # the database decides for itself

        plain port 5432 # and so do we
          redirect\tport  8080-8090
        auto port 1-65535
        """);
    assertEquals(
        List.of(
            new Rule(Decision.PLAIN, 5432, 5432),
            new Rule(Decision.REDIRECT, 8080, 8090),
            new Rule(Decision.AUTO, 1, 65_535)),
        Rules.load(file).list());
  }

  @Test
  void noFileAndAnEmptyFileAreNoRules(@TempDir Path folder) throws Exception {
    assertEquals(List.of(), Rules.load(null).list());
    assertEquals(List.of(), Rules.load(Files.createFile(folder.resolve("empty"))).list());
  }

  @ParameterizedTest
  @CsvSource(
      textBlock =
          """
          plain,                         a rule has three words
          plain port,                    a rule has three words
          plain port 80 81,              a rule has three words
          plain port 80 - 90,            a rule has three words
          fast port 80,                  'a rule begins with plain, redirect or auto'
          PLAIN port 80,                 'a rule begins with plain, redirect or auto'
          plain address 80,              the second word is port
          plain port http,               http is no port and no range of ports
          plain port -80,                -80 is no port and no range of ports
          plain port 80-,                80- is no port and no range of ports
          plain port 80-90-99,           80-90-99 is no port and no range of ports
          plain port 99999999999999999,  99999999999999999 is no port and no range of ports
          plain port 0,                  ports go from 1 to 65535
          plain port 0-80,               ports go from 1 to 65535
          plain port 65536,              ports go from 1 to 65535
          plain port 80-65536,           ports go from 1 to 65535
          plain port 90-80,              a range begins with its lower port
          """)
  void aMalformedLineIsNamedWithItsPlaceItsTextAndWhy(String line, String why) {
    HelperException e =
        assertThrows(
            HelperException.class, () -> Rules.parse("/etc/r", List.of("auto port 80", line)));
    assertEquals("the rules are malformed at /etc/r:2: \"" + line + "\" (" + why + ")", e.reason());
    assertEquals(1, e.getMessage().lines().count());
  }

  @Test
  void moreRulesThanTheKernelHasRoomForAreRefusedAtTheFirstTooMany() throws Exception {
    List<String> most = Collections.nCopies(Layouts.UP_MAX_RULES, "plain port 1");
    assertEquals(Layouts.UP_MAX_RULES, Rules.parse("r", most).list().size());
    List<String> more = Collections.nCopies(Layouts.UP_MAX_RULES + 1, "plain port 1");
    HelperException e = assertThrows(HelperException.class, () -> Rules.parse("r", more));
    assertTrue(e.reason().startsWith("the rules are malformed at r:65: "), e.reason());
  }

  @Test
  void aFolderIsAnError(@TempDir Path folder) {
    HelperException e = assertThrows(HelperException.class, () -> Rules.load(folder));
    assertTrue(e.reason().endsWith(folder + " is no file"), e.reason());
  }

  @Test
  void aFileThatIsNoTextIsAnError(@TempDir Path folder) throws Exception {
    Path file = Files.write(folder.resolve("r"), new byte[] {(byte) 0xff, (byte) 0xfe, 0});
    HelperException e = assertThrows(HelperException.class, () -> Rules.load(file));
    assertEquals("the rules file " + file + " is not UTF-8 text", e.reason());
  }

  @Test
  void aFileOfUnlikelySizeIsNotRead(@TempDir Path folder) throws Exception {
    Path file = Files.write(folder.resolve("r"), new byte[100_000]);
    HelperException e = assertThrows(HelperException.class, () -> Rules.load(file));
    assertTrue(e.reason().contains("has more than"), e.reason());
  }
}
