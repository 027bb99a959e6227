/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.policy;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.underpass.host.HelperException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PolicyTest {
  private static final int NOBODY = 65534;

  @Test
  void theDefaultAdmitsRootAndNoStranger() {
    Policy policy = Policy.byDefault();
    assertTrue(policy.admits(0, 0, Set.of()));
    assertFalse(policy.admits(NOBODY, NOBODY, Set.of(1, 2, 3)));
    assertFalse(policy.reachesBeyondGroup());
  }

  @Test
  void aFileSaysAllThereIs() throws Exception {
    Policy policy =
        Policy.parse(
            "policy",
            List.of("# who may", "", "allow uid 1000 # build", "  allow\tgid 50", "deny uid root"));
    assertTrue(policy.admits(1000, 1, Set.of()));
    assertTrue(policy.admits(2000, 50, Set.of()), "by its group");
    assertTrue(policy.admits(2000, 1, Set.of(7, 50)), "by a supplementary group");
    assertFalse(policy.admits(2000, 1, Set.of()));
    assertFalse(policy.admits(0, 50, Set.of(50)), "deny stands above allow");
    assertTrue(policy.reachesBeyondGroup());
  }

  @Test
  void numbersGoUpToTheKernelsLargest() throws Exception {
    Policy policy = Policy.parse("policy", List.of("allow uid 4294967294"));
    assertTrue(policy.admits(-2, 0, Set.of()));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "allow",
        "allow uid",
        "allow uid 1 2",
        "permit uid 1",
        "deny gid 1",
        "allow pid 1",
        "allow uid -1",
        "allow uid 4294967295",
        "allow uid 99999999999999999999",
        "allow uid no-such-user-here",
        "allow gid no-such-group-here",
        "ALLOW uid 1",
      })
  void aMalformedLineIsNamedWithItsPlaceAndText(String line) {
    HelperException e =
        assertThrows(
            HelperException.class, () -> Policy.parse("/etc/p", List.of("allow uid 0", line)));
    assertTrue(e.reason().startsWith("the policy is malformed at /etc/p:2: \"" + line + "\""));
    assertEquals(1, e.getMessage().lines().count());
  }

  @Test
  void aMissingFileIsAnError(@TempDir Path folder) {
    Path file = folder.resolve("none");
    HelperException e = assertThrows(HelperException.class, () -> Policy.load(file));
    assertEquals("the policy file " + file + " does not exist", e.reason());
  }

  @Test
  void aFolderIsAnError(@TempDir Path folder) {
    HelperException e = assertThrows(HelperException.class, () -> Policy.load(folder));
    assertTrue(e.reason().endsWith(folder + " is no file"), e.reason());
  }

  @Test
  void aFileThatIsNoTextIsAnError(@TempDir Path folder) throws Exception {
    Path file = Files.write(folder.resolve("p"), new byte[] {(byte) 0xff, (byte) 0xfe, 0});
    HelperException e = assertThrows(HelperException.class, () -> Policy.load(file));
    assertEquals("the policy file " + file + " is not UTF-8 text", e.reason());
  }

  @Test
  void aFileOfUnlikelySizeIsNotRead(@TempDir Path folder) throws Exception {
    Path file = Files.write(folder.resolve("p"), new byte[100_000]);
    HelperException e = assertThrows(HelperException.class, () -> Policy.load(file));
    assertTrue(e.reason().contains("has more than"), e.reason());
  }
}
