/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.ports;

import io.underpass.ffm.PortLayouts;
import io.underpass.protocol.ErrorCode;
import io.underpass.protocol.GroupWish;
import io.underpass.protocol.PortRanges;
import io.underpass.protocol.WireException;
import io.underpass.service.Registration;
import java.io.IOException;
import java.util.List;

/** Whether what the policy granted has room beside the members that there are. */
final class Admission {
  private Admission() {}

  /**
   * @param former what the process is so far; null for no member
   * @throws WireException naming the option, and not who has what it asks for
   */
  static void check(
      List<GroupMembers.Entry> members,
      GroupMembers.Entry former,
      Registration registration,
      GroupWish wish,
      int netns)
      throws IOException {
    int pid = registration.pid();
    int uid = registration.uid();
    if (former == null && members.size() >= PortLayouts.UP_MAX_GROUP_JVMS) {
      throw new WireException(
          ErrorCode.FULL, "all groups together have " + PortLayouts.UP_MAX_GROUP_JVMS + " members");
    }
    long own = members.stream().filter(m -> m.uid() == uid).count();
    if (former == null && own >= PortLayouts.UP_MAX_GROUP_JVMS - members.size()) {
      throw new WireException(
          ErrorCode.FULL,
          "uid "
              + Integer.toUnsignedString(uid)
              + " has "
              + own
              + " members of groups, as many as are left for all others");
    }
    // A real port is one group's.
    for (GroupMembers.Entry other : members) {
      if (other.pid() == pid || other.netns() != netns || other.group().equals(wish.group())) {
        continue;
      }
      for (PortRanges.Range range : other.publish().ranges()) {
        int port = wish.publish().firstCommon(range);
        if (port != 0) {
          throw new WireException(
              ErrorCode.DENIED,
              "publish=" + wish.publish() + ": port " + port + " is published by another group");
        }
      }
    }
  }
}
