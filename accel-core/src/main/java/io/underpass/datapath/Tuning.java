package io.underpass.datapath;

import io.underpass.ffm.BpfObject;
import io.underpass.ffm.Layouts;
import io.underpass.ffm.NativeException;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;

/**
 * What can be set before the object is loaded.
 *
 * @param takeEvery enrol every pair as soon as it is found, whatever its traffic
 * @param maxMembers how many sockets can be enrolled
 * @param knobs values of other {@code const volatile} variables of the programs, by name
 * @param faults what the kernel probe's own programs do wrong, so that a test sees it refuse
 */
public record Tuning(
    boolean takeEvery, int maxMembers, Map<String, Long> knobs, Set<Fault> faults) {
  public static final Tuning DEFAULT =
      new Tuning(false, Layouts.UP_MAX_MEMBERS, Map.of(), Set.of());

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
    FIONREAD(128),
    REST(256),
    ENROL(512),
    PAUSE(1024),
    PASS(2048),
    LARGE(4096),
    UNREAD(8192),
    BOTH(16384),
    STAY(32768),

    /** What a selector says is no program's either, nor when a stream ends. */
    WRITABLE(65536),
    HELD(131072),
    END(262144),
    LOST(524288);

    /** Its number, as the programs' variable {@code fault} has it. */
    public final int bit;

    Fault(int bit) {
      this.bit = bit;
    }
  }

  public Tuning withTakeEvery(boolean every) {
    return new Tuning(every, maxMembers, knobs, faults);
  }

  public Tuning withMaxMembers(int most) {
    return new Tuning(takeEvery, most, knobs, faults);
  }

  /** The programs' variable has this value, instead of what {@code maps.bpf.h} says. */
  public Tuning withKnob(String variable, long value) {
    Map<String, Long> all = new HashMap<>(knobs);
    all.put(variable, value);
    return new Tuning(takeEvery, maxMembers, Map.copyOf(all), faults);
  }

  public Tuning withFaults(Fault... some) {
    return new Tuning(takeEvery, maxMembers, knobs, Set.of(some));
  }

  int faultBits() {
    return faults.stream().mapToInt(f -> f.bit).sum();
  }

  void apply(BpfObject object) throws NativeException {
    object.setKnob("take_every", takeEvery ? 1 : 0);
    knobs.forEach(object::setKnob);
    object.setMaxEntries("members", maxMembers);
    object.setMaxEntries("senders", maxMembers);
  }
}
