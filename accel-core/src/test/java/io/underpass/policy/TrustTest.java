/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.policy;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.underpass.host.HelperException;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Which lines of trust name a process. */
class TrustTest {
  private static final int GID = 100;

  @Test
  void eachLineIsABitOfThoseThatItNames() throws Exception {
    Trust trust =
        trust("trust uid 1 2", "trust gid 7", "allow uid 3", "trust group shop", "trust all");
    assertEquals(0b1001, trust.domainsOf(1, GID, Set.of(), ""));
    assertEquals(0b1001, trust.domainsOf(2, GID, Set.of(), "bank"));
    assertEquals(0b1010, trust.domainsOf(3, 7, Set.of(), ""));
    assertEquals(0b1010, trust.domainsOf(3, GID, Set.of(6, 7), ""));
    assertEquals(0b1100, trust.domainsOf(3, GID, Set.of(), "shop"));
    assertEquals(0b1000, trust.domainsOf(3, GID, Set.of(1, 2), ""));
  }

  @Test
  void withoutALineNobodyIsNamed() throws Exception {
    assertEquals(0, trust("allow uid 0").domainsOf(0, 0, Set.of(0), "x"));
    assertEquals(0, Policy.byDefault().trust().domainsOf(0, 0, Set.of(0), "x"));
  }

  @Test
  void thereAreAsManyLinesAsBits() throws Exception {
    List<String> most = Collections.nCopies(64, "trust all");
    assertEquals(-1L, Policy.parse("p", most).trust().domainsOf(5, GID, Set.of(), ""));
    HelperException e =
        assertThrows(
            HelperException.class, () -> Policy.parse("p", Collections.nCopies(65, "trust all")));
    assertTrue(e.reason().contains("p:65"), e.reason());
  }

  @Test
  void theDigestTellsOneSetOfLinesFromAnother() throws Exception {
    int digest = trust("trust uid 1 2", "trust all").digest();
    assertEquals(digest, trust("allow uid 9", "trust  uid 2 1 # as above", "trust all").digest());
    assertNotEquals(digest, trust("trust all", "trust uid 1 2").digest());
    assertNotEquals(digest, trust("trust uid 1 3", "trust all").digest());
    assertEquals(0, trust("allow uid 1").digest());
  }

  @ParameterizedTest
  @CsvSource({
    "trust, 'trust is of uid, gid, group or all'",
    "trust everybody, 'trust is of uid, gid, group or all'",
    "trust uid, trust uid of whom?",
    "trust uid 1 no-such-user, there is no user no-such-user",
    "trust gid, one name or number comes here",
    "trust gid 1 2, one name or number comes here",
    "trust group a b, one name or number comes here",
    "trust all 1, nothing comes after trust all"
  })
  void aLineThatSaysNothingIsRefusedWithTheReason(String line, String why) {
    HelperException e =
        assertThrows(HelperException.class, () -> Policy.parse("policy", List.of(line)));
    assertTrue(e.reason().contains("policy:1: \"" + line + "\" (" + why + ")"), e.reason());
  }

  private static Trust trust(String... lines) throws HelperException {
    return Policy.parse("policy", List.of(lines)).trust();
  }
}
