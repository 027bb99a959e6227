/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.bpf.soak;

/**
 * What happens to all connections of a group alike.
 *
 * @param tick before this step of each script
 * @param racing while the scripts go on; otherwise they wait until it has happened
 */
record Event(int tick, Action action, boolean racing) {
  enum Action {
    /** The kernel is searched for pairs to enrol, and for flows to take off. */
    SWEEP,
    /** The process is registered (again), and swept: every flow that is not pinned is enrolled. */
    ENROL,
    /** The registration ends: every flow is taken off as soon as what is queued has been read. */
    UNENROL,
    /** Every verdict passes, and every flow is taken off, as when the helper stops. */
    PAUSE,
    /** The pause is over: the flows are taken up again. */
    RESUME,
    /** The helper is killed with SIGKILL, another one adopts what it left; with FAULTS=1 only. */
    KILL
  }

  @Override
  public String toString() {
    return action + " before step " + tick + (racing ? ", meanwhile" : "");
  }
}
