/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.kernel;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.underpass.ffm.BpfObject;
import io.underpass.ffm.LoadException;
import io.underpass.ffm.ProgramSpec;
import io.underpass.ffm.RefusedKind;
import io.underpass.testing.KernelTest;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** The built objects' programs, by their kinds, and what is said of a kind that is refused. */
class ProgramKindsTest {
  /** Iterators over the elements of a map. */
  private static final Set<String> OVER_ELEMENTS =
      Set.of("iter/bpf_map_elem", "iter/bpf_sk_storage_map", "iter/sockmap");

  /** Hardened kernels refuse these whole; this one need not. */
  @KernelTest
  @Test
  void noProgramIsAnIteratorOverTheElementsOfAMap() throws Exception {
    assertEquals(
        List.of(),
        ProgramKinds.built().stream()
            .filter(p -> OVER_ELEMENTS.contains(p.kind().replaceFirst("^iter\\.s/", "iter/")))
            .map(p -> p.name() + " is " + p.kind())
            .toList());
  }

  /** All of those that it does not are named, not the first one only. */
  @KernelTest
  @Test
  void theKernelLoadsEachProgramByItself() throws Exception {
    List<String> refused = new ArrayList<>();
    for (BuiltObject built : BuiltObject.values()) {
      for (ProgramSpec program : programs(built)) {
        try (BpfObject object = open(built)) {
          for (ProgramSpec other : object.programs()) {
            if (!other.equals(program)) {
              object.skipProgram(other.name());
            }
          }
          object.load();
        } catch (LoadException e) {
          refused.add(ProgramKinds.describe(program) + ": " + e.getMessage());
        }
      }
    }
    assertEquals(0, refused.size(), () -> "\n" + String.join("\n", refused));
  }

  @KernelTest
  @Test
  void itIsSaidOfEachProgramWhatItIsNeededFor() throws Exception {
    List<ProgramSpec> programs = ProgramKinds.built();
    assertFalse(programs.isEmpty());
    assertEquals(
        List.of(), programs.stream().filter(p -> !ProgramKinds.isKnown(p.kind())).toList());
  }

  @KernelTest
  @Test
  void portGroupsAloneCanBeDoneWithout() throws Exception {
    for (BuiltObject built : BuiltObject.values()) {
      for (ProgramSpec program : programs(built)) {
        if (program.kind().startsWith("cgroup/")) {
          assertEquals(
              built == BuiltObject.DATAPATH,
              ProgramKinds.areNeeded(List.of(refused(program.kind(), program.name()))),
              program::toString);
        }
      }
    }
  }

  @Test
  void kindsForTheSameAreToldTogether() {
    assertEquals(
        "kind sk_msg, which redirect messages (EPERM: up_verdict), and kinds cgroup/bind4,"
            + " cgroup/bind6, which translate the ports of groups (EPERM: up_bind4, up_bind6)",
        ProgramKinds.describe(
            List.of(
                refused("sk_msg", "up_verdict"),
                refused("cgroup/bind4", "up_bind4"),
                refused("cgroup/bind6", "up_bind6"))));
  }

  @Test
  void aKindThatNobodyKnowsIsNeeded() {
    List<RefusedKind> refused = List.of(refused("iter/none", "a", "b"));
    assertEquals("kind iter/none (EPERM: a, b)", ProgramKinds.describe(refused));
    assertTrue(ProgramKinds.areNeeded(refused));
  }

  private static RefusedKind refused(String kind, String... programs) {
    return new RefusedKind(kind, 1, List.of(programs));
  }

  private static BpfObject open(BuiltObject built) throws IOException {
    return BpfObject.open(built.image(), "underpass_kinds");
  }

  private static List<ProgramSpec> programs(BuiltObject built) throws IOException {
    try (BpfObject object = open(built)) {
      return object.programs();
    }
  }
}
