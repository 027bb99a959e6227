/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.underpass.testing.Packages;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/**
 * The package map of docs/architecture.md, over the compiled classes of protocol and accel-core.
 */
class PackageRulesTest {
  private static final Path ROOT = Path.of(System.getProperty("underpass.root", "."));

  private static Packages helper;

  @BeforeAll
  static void read() throws IOException {
    helper =
        Packages.of(
            ROOT.resolve("protocol/target/classes"), ROOT.resolve("accel-core/target/classes"));
  }

  @Test
  void noPackageNeedsItself() {
    assertTrue(helper.all().contains("io.underpass.accel"), helper.all().toString());
    assertEquals(Set.of(), helper.inCycles());
  }

  @Test
  void onePackageCallsNativeCode() {
    assertEquals(
        Set.of("io.underpass.ffm"), helper.whichNeed(name -> name.startsWith("java.lang.foreign")));
  }

  /** The command line puts the two together. */
  @Test
  void theServerKnowsNoDataPathAndTheDataPathNoServer() {
    Set<String> parts =
        Set.of(
            "io.underpass.accel",
            "io.underpass.ports",
            "io.underpass.probe",
            "io.underpass.datapath");
    assertEquals(Set.of(), common(parts, helper.neededBy("io.underpass.helper")));
    assertEquals(Set.of("io.underpass.cli"), helper.whichNeed("io.underpass.helper"::equals));
  }

  /** Either of them can be taken away without the other. */
  @Test
  void accelerationAndPortGroupsKnowNothingOfEachOther() {
    assertTrue(!helper.neededBy("io.underpass.accel").contains("io.underpass.ports"));
    assertTrue(!helper.neededBy("io.underpass.ports").contains("io.underpass.accel"));
  }

  private static Set<String> common(Set<String> some, Set<String> others) {
    Set<String> both = new TreeSet<>(some);
    both.retainAll(others);
    return both;
  }
}
