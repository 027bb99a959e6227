/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.accel;

import io.underpass.ffm.BpfMap;
import io.underpass.ffm.FlowLayouts;
import io.underpass.ffm.FlowLayouts.Half;
import io.underpass.ffm.NativeException;
import java.nio.ByteBuffer;
import java.util.HashSet;
import java.util.Set;

/**
 * All sockets that are known, from the map {@code halves}: for those rare steps that have to see
 * each of them. One that has been closed may still be there. Thread-safe.
 */
public final class Halves {
  private final BpfMap halves;
  private final BpfMap members;

  /** Which of them are wanted. */
  @FunctionalInterface
  interface Choice {
    /**
     * Whether this one is.
     *
     * @param values of {@code struct up_half}
     * @param at where this one's begins
     */
    boolean takes(ByteBuffer values, int at);
  }

  public Halves(BpfMap halves, BpfMap members) {
    this.halves = halves;
    this.members = members;
  }

  Ids all() throws NativeException {
    return choose((_, _) -> true);
  }

  private Ids choose(Choice choice) throws NativeException {
    Ids ids = new Ids();
    halves.forEachBatch(
        (keys, values) -> {
          for (int i = 0; i * Long.BYTES < keys.limit(); i++) {
            if (choice.takes(values, i * Half.SIZE)) {
              ids.add(keys.getLong(i * Long.BYTES));
            }
          }
        });
    return ids;
  }

  /** Those of these cgroups in which an enrolled socket was made; by their ids. */
  Set<Long> cgroupsOfMembers(Set<Long> among) throws NativeException {
    Ids cgroups = new Ids();
    Ids enrolled =
        choose(
            (values, at) -> {
              long cgroup = values.getLong(at + Half.CGROUP_ID);
              boolean takes = isEnrolled(values.get(at + Half.STATE)) && among.contains(cgroup);
              if (takes) {
                cgroups.add(cgroup);
              }
              return takes;
            });
    Set<Long> found = new HashSet<>();
    for (int i = 0; i < enrolled.size(); i++) {
      long cgroup = cgroups.get(i);
      if (!found.contains(cgroup) && isMember(enrolled.get(i))) {
        found.add(cgroup);
      }
    }
    return found;
  }

  /** Whether a socket is in the sockhash: the kernel's own word. */
  boolean isMember(long id) throws NativeException {
    return members.lookup(members.newKey().putLong(0, id), members.newValue());
  }

  /** How many sockets are in the sockhash. */
  public int members() throws NativeException {
    int count = 0;
    ByteBuffer key = members.newKey();
    // Where a key has gone meanwhile the kernel begins anew: too many then, never too few.
    for (boolean more = members.nextKey(null, key); more; more = members.nextKey(key, key)) {
      count++;
    }
    return count;
  }

  /** Whether a state is one of a socket in the sockhashes. */
  static boolean isEnrolled(int state) {
    return state == FlowLayouts.UP_ENROLLED
        || state == FlowLayouts.UP_READY
        || state == FlowLayouts.UP_LEAVING;
  }
}
