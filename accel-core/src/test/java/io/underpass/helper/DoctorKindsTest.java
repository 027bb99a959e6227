/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.helper;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.underpass.ffm.Errno;
import io.underpass.ffm.RefusedKind;
import io.underpass.helper.Doctor.Finding;
import io.underpass.helper.Doctor.Result;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Doctor's row of kinds of programs, whatever this kernel refuses. */
class DoctorKindsTest {
  private static final RefusedKind TC =
      new RefusedKind("tc", Errno.EPERM, List.of("up_visit", "up_dump"));

  private static final RefusedKind BIND =
      new RefusedKind("cgroup/bind4", Errno.EINVAL, List.of("up_bind4"));

  @Test
  void allIsWell() {
    assertEquals(
        new Finding("kinds", Result.OK, "the kernel takes programs of every kind", ""),
        Doctor.ofKinds(List.of()));
  }

  @Test
  void aKindThatAccelerationNeedsIsAFailure() {
    assertEquals(
        new Finding(
            "kinds",
            Result.FAIL,
            "refused: kind tc, which find sockets by look-up (EPERM: up_visit, up_dump)",
            "lift what forbids them, such as a security module's policy, or use another kernel"),
        Doctor.ofKinds(List.of(TC)));
  }

  @Test
  void aKindOfPortGroupsAloneIsAWarning() {
    assertEquals(
        new Finding(
            "kinds",
            Result.WARN,
            "refused: kind cgroup/bind4, which translate the ports of groups (EINVAL: up_bind4)",
            "none needed without port groups; for them, use a kernel that has what README.md lists"
                + " under requirements"),
        Doctor.ofKinds(List.of(BIND)));
  }

  @Test
  void bothAreToldInOneRow() {
    Finding both = Doctor.ofKinds(List.of(TC, BIND));
    assertEquals(Result.FAIL, both.result());
    assertEquals(
        "refused: kind tc, which find sockets by look-up (EPERM: up_visit, up_dump), and kind"
            + " cgroup/bind4, which translate the ports of groups (EINVAL: up_bind4)",
        both.reason());
  }
}
