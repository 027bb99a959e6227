/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.ports;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.underpass.ffm.BpfObject;
import io.underpass.ffm.PortLayouts;
import io.underpass.kernel.BuiltObject;
import io.underpass.kernel.ProcessIdentity;
import io.underpass.policy.Net;
import io.underpass.protocol.ErrorCode;
import io.underpass.protocol.GroupWish;
import io.underpass.protocol.PortRanges;
import io.underpass.protocol.WireException;
import io.underpass.service.Registration;
import io.underpass.testing.KernelTest;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What is full for one user is not full for others: members, and their addresses. */
class GroupSharesTest {
  private static final int HOSTILE = 2001;
  private static final int OTHER = 2002;
  private static final GroupWish WISH = new GroupWish("blue", PortRanges.NONE, PortRanges.NONE, "");

  @Test
  void oneUserHasAsManyMembersAsAreLeftForOthers() throws Exception {
    List<GroupMembers.Entry> members = new ArrayList<>();
    fill(members, HOSTILE, PortLayouts.UP_MAX_GROUP_JVMS / 2);
    WireException e =
        assertThrows(WireException.class, () -> check(members, members.size() + 1, HOSTILE));
    assertEquals(ErrorCode.FULL, e.code());
    assertEquals(
        "uid 2001 has 512 members of groups, as many as are left for all others", e.getMessage());
    fill(members, OTHER, PortLayouts.UP_MAX_GROUP_JVMS / 4);
    assertThrows(WireException.class, () -> check(members, members.size() + 1, OTHER));
    check(members, members.size() + 1, 0);
    check(members, 1, HOSTILE); // it is one already
  }

  private static void fill(List<GroupMembers.Entry> members, int uid, int count) throws Exception {
    for (int i = 0; i < count; i++) {
      int pid = members.size() + 1;
      check(members, pid, uid);
      members.add(entry(pid, uid, Net.address(new byte[16])));
    }
  }

  private static void check(List<GroupMembers.Entry> members, int pid, int uid) throws Exception {
    GroupMembers.Entry former = pid <= members.size() ? members.get(pid - 1) : null;
    Admission.check(members, former, new Registration(pid, pid, 1, uid), WISH, 7);
  }

  private static GroupMembers.Entry entry(int pid, int uid, InetAddress identity) {
    return new GroupMembers.Entry(
        pid,
        new ProcessIdentity(1, 1),
        "blue",
        identity,
        pid,
        uid,
        7,
        PortRanges.NONE,
        PortRanges.NONE,
        false);
  }

  @Test
  @KernelTest
  void oneUserHasAsManyAddressesAsAreLeftForOthers() throws Exception {
    try (BpfObject object = BpfObject.open(BuiltObject.PORTS.image(), "ports")) {
      object.load();
      GroupMembers members =
          new GroupMembers(object.map("port_members"), object.map("member_filter"));
      Identities identities =
          new Identities(object.map("identities"), object.map("identity_filter"), members, 7);
      List<Net> pools = List.of(Net.parse("127.20.8.0/22"));
      // Nobody of them becomes a member: they come and go faster than addresses are given up.
      for (int i = 0; i < PortLayouts.UP_MAX_IDENTITIES / 2; i++) {
        take(identities, i, HOSTILE, address(i), pools);
      }
      WireException e =
          assertThrows(
              WireException.class, () -> take(identities, 600, HOSTILE, "127.20.0.1", pools));
      assertEquals(ErrorCode.FULL, e.code());
      assertEquals(
          "identity=127.20.0.1: uid 2001 has 512 addresses, as many as are left for all others",
          e.getMessage());
      assertEquals("127.20.0.1", take(identities, 601, OTHER, "127.20.0.1", pools));
      assertEquals(address(0), take(identities, 602, HOSTILE, address(0), pools));
      assertEquals(address(0), take(identities, 603, OTHER, GroupWish.AUTO, pools));
      identities.giveUpAll();
    }
  }

  @Test
  @KernelTest
  void oneUserHasNoMoreThanHalfOfAPool() throws Exception {
    try (BpfObject object = BpfObject.open(BuiltObject.PORTS.image(), "ports")) {
      object.load();
      GroupMembers members =
          new GroupMembers(object.map("port_members"), object.map("member_filter"));
      Identities identities =
          new Identities(object.map("identities"), object.map("identity_filter"), members, 7);
      List<Net> pools = List.of(Net.parse("127.20.8.0/29")); // of six
      for (int pid = 1; pid <= 3; pid++) {
        String address = take(identities, pid, HOSTILE, GroupWish.AUTO, pools);
        members.put(entry(pid, HOSTILE, InetAddress.ofLiteral(address)));
      }
      WireException e =
          assertThrows(
              WireException.class, () -> take(identities, 4, HOSTILE, GroupWish.AUTO, pools));
      assertEquals(
          "identity=auto: uid 2001 has 3 addresses, as many as are left for all others",
          e.getMessage());
      assertEquals("127.20.8.4", take(identities, 5, OTHER, GroupWish.AUTO, pools));
      members.remove(3);
      assertEquals("127.20.8.3", take(identities, 6, HOSTILE, GroupWish.AUTO, pools));
      identities.giveUpAll();
    }
  }

  private static String address(int i) {
    return "127.20." + (8 + (i + 1) / 256) + "." + (i + 1) % 256;
  }

  private static String take(Identities identities, int pid, int uid, String wish, List<Net> pools)
      throws Exception {
    return Identities.text(identities.take(new Registration(pid, pid, 1, uid), wish, pools, null));
  }
}
