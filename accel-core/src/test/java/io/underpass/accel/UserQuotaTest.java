/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.accel;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.underpass.ffm.BpfObject;
import io.underpass.ffm.Cgroup;
import io.underpass.ffm.Layouts;
import io.underpass.kernel.BuiltObject;
import io.underpass.kernel.Pins;
import io.underpass.protocol.ErrorCode;
import io.underpass.protocol.WireException;
import io.underpass.testing.KernelTest;
import io.underpass.testing.Pinning;
import io.underpass.testing.TestCgroup;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The shares that take a thousand cgroups or users to fill: here without their processes. */
@KernelTest
@Timeout(120)
class UserQuotaTest {
  private static final int GREEDY = 70_001;
  private static final int OTHER = 70_002;

  /** As many as one process may use. */
  private static final int EACH = 8;

  private final Path folder = Pinning.newFolder();
  private final List<String> trouble = new ArrayList<>();
  private Pins pins;
  private BpfObject object;

  @BeforeEach
  void load() throws Exception {
    pins = new Pins(folder, BuiltObject.DATAPATH);
    object =
        LoadedObject.load(BuiltObject.DATAPATH.image(), Tuning.DEFAULT, pins, trouble::add)
            .object();
  }

  @AfterEach
  void remove() throws Exception {
    object.close();
    Pinning.remove(folder);
  }

  @Test
  void oneUsersCgroupsLeaveRoomForOthers() throws Exception {
    int most = Layouts.UP_MAX_CGROUPS / 4;
    List<TestCgroup> cgroups = new ArrayList<>();
    TestCgroup parent = TestCgroup.create();
    try (Cgroup mount = Cgroup.open(TestCgroup.mount())) {
      for (int i = 0; i <= most; i++) {
        cgroups.add(parent.child());
      }
      Halves halves = new Halves(object.map("halves"), object.map("members"));
      OptionHooks hooks = new OptionHooks(pins, object, mount, halves, trouble::add);
      int registration = 1;
      for (int i = 0; i < most; i += EACH) {
        hooks.use(registration++, GREEDY, ids(cgroups.subList(i, i + EACH)));
      }
      assertEquals(List.of(), trouble);

      Set<Long> more = ids(cgroups.subList(most, most + 1));
      int late = registration;
      WireException e = assertThrows(WireException.class, () -> hooks.use(late, GREEDY, more));
      assertEquals(ErrorCode.FULL, e.code());
      assertTrue(e.getMessage().contains("this user in " + most + " cgroups"), e.getMessage());
      hooks.use(late + 1, OTHER, more);

      // What the one gives up, he may have again.
      hooks.leave(1);
      hooks.use(late, GREEDY, ids(cgroups.subList(0, 1)));
    } finally {
      for (TestCgroup cgroup : cgroups) {
        cgroup.remove();
      }
      parent.remove();
    }
  }

  @Test
  void aUserBeyondTheTableIsToldSoUntilAnotherHasLeft() throws Exception {
    Users users = new Users(object.map("users"));
    for (int uid = 0; uid < Layouts.UP_MAX_USERS; uid++) {
      users.admit(uid);
    }
    users.admit(0); // who is there already needs no room
    WireException e = assertThrows(WireException.class, () -> users.admit(OTHER));
    assertEquals(ErrorCode.FULL, e.code());
    assertTrue(e.getMessage().contains(Layouts.UP_MAX_USERS + " users"), e.getMessage());

    users.forgetAllBut(Set.of(0, 1));
    assertEquals(2, users.list().size());
    users.admit(OTHER);
  }

  private static Set<Long> ids(List<TestCgroup> cgroups) throws Exception {
    Set<Long> ids = new HashSet<>();
    for (TestCgroup cgroup : cgroups) {
      ids.add(cgroup.id());
    }
    return ids;
  }
}
