/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.service;

import io.underpass.policy.Trust;

/**
 * A registered process, as the kernel described it; lives as long as its connection.
 *
 * @param id of this registration; not used again by this helper nor by the next that adopts its
 *     pins
 * @param pid as this helper sees it
 * @param startTicks when the process started, in clock ticks since boot: field 22 of
 *     proc_pid_stat(5)
 * @param uid at the time it connected
 * @param domains by which it trusts others ({@link Trust})
 * @param accelerates whether its sockets may be accelerated; else it is here for its port group
 */
public record Registration(
    int id, int pid, long startTicks, int uid, long domains, boolean accelerates) {
  /** Of a process that trusts only its own user's, and may be accelerated. */
  public Registration(int id, int pid, long startTicks, int uid) {
    this(id, pid, startTicks, uid, 0, true);
  }
}
