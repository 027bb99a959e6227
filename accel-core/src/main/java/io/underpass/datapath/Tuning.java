package io.underpass.datapath;

import io.underpass.ffm.BpfObject;
import io.underpass.ffm.Layouts;
import io.underpass.ffm.NativeException;
import java.util.Set;

/**
 * What can be set before the object is loaded.
 *
 * @param takeEvery enrol every pair as soon as it is found, whatever its traffic
 * @param maxMembers how many sockets can be enrolled
 * @param contendedCosts so much contention for each message of the other end ends a flow of bursts;
 *     -1: as the programs have it
 * @param faults what the kernel probe's own programs do wrong, so that a test sees it refuse
 */
public record Tuning(boolean takeEvery, int maxMembers, int contendedCosts, Set<Fault> faults) {
  public static final Tuning DEFAULT = new Tuning(false, Layouts.UP_MAX_MEMBERS, -1, Set.of());

  /** What a kernel could do wrong; {@code UP_FAULT_*} of {@code underpass.h}, in its order. */
  public enum Fault {
    ORDER(1),
    READER(2),
    WAKE(4),
    HALF_CLOSE(8),
    BACK_PRESSURE(16),
    AVAILABLE(32),
    UNENROL(64),

    /** The kernel's own count is no program's to make wrong: the probe misreads it. */
    FIONREAD(128);

    final int bit;

    Fault(int bit) {
      this.bit = bit;
    }
  }

  public Tuning withTakeEvery(boolean every) {
    return new Tuning(every, maxMembers, contendedCosts, faults);
  }

  public Tuning withMaxMembers(int most) {
    return new Tuning(takeEvery, most, contendedCosts, faults);
  }

  public Tuning withContendedCosts(int costs) {
    return new Tuning(takeEvery, maxMembers, costs, faults);
  }

  public Tuning withFaults(Fault... some) {
    return new Tuning(takeEvery, maxMembers, contendedCosts, Set.of(some));
  }

  int faultBits() {
    return faults.stream().mapToInt(f -> f.bit).sum();
  }

  void apply(BpfObject object) throws NativeException {
    object.setKnob("take_every", takeEvery ? 1 : 0);
    if (contendedCosts >= 0) {
      object.setKnob("contended_costs", contendedCosts);
    }
    object.setMaxEntries("members", maxMembers);
    object.setMaxEntries("senders", maxMembers);
  }
}
