/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.ports;

import io.underpass.ffm.BpfMap;
import io.underpass.ffm.NativeException;
import io.underpass.ffm.PortLayouts;
import io.underpass.ffm.PortLayouts.Holder;
import io.underpass.ffm.PortLayouts.Share;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;

/**
 * How many sockets each uid, and each group, has bound: the map {@code shares}. The programs count,
 * and refuse a {@code bind} that would be too much; here it is said to whom, and what nobody needs
 * any more is taken away. Guarded by {@code changes} of {@link PortGroups}.
 */
final class Shares {
  private final BpfMap map;
  private final Consumer<String> trouble;

  /** Holders of whom it has been said that they have all they may. */
  private final Set<String> told = new HashSet<>();

  Shares(BpfMap map, Consumer<String> trouble) {
    this.map = map;
    this.trouble = trouble;
  }

  /** Looks at all. */
  void look(List<GroupMembers.Entry> members) throws NativeException {
    Set<String> alive = new HashSet<>();
    for (GroupMembers.Entry member : members) {
      alive.add(text("", member.uid()));
      alive.add(text(member.group(), 0));
    }
    List<ByteBuffer> idle = new ArrayList<>();
    map.forEachBatch(
        (keys, values) -> {
          for (int i = 0; i < keys.limit() / Holder.SIZE; i++) {
            String group = GroupMembers.name(keys, i * Holder.SIZE + Holder.GROUP);
            String holder = text(group, keys.getInt(i * Holder.SIZE + Holder.UID));
            if (values.getInt(i * Share.SIZE + Share.BOUND) <= 0 && !alive.contains(holder)) {
              idle.add(map.newKey().put(0, keys, i * Holder.SIZE, Holder.SIZE));
              told.remove(holder);
            } else if (values.getInt(i * Share.SIZE + Share.REFUSED) != 0 && told.add(holder)) {
              trouble.accept(said(holder, group.isEmpty()));
            }
          }
        });
    for (ByteBuffer key : idle) {
      map.delete(key);
    }
  }

  private static String said(String holder, boolean user) {
    int most = user ? PortLayouts.UP_BOUND_BY_UID : PortLayouts.UP_BOUND_BY_GROUP;
    return "port groups: "
        + holder
        + " has "
        + most
        + " sockets bound to ports of groups, which is all it may have: bind fails with ENOBUFS";
  }

  private static String text(String group, int uid) {
    return group.isEmpty() ? "uid " + Integer.toUnsignedString(uid) : "group " + group;
  }
}
