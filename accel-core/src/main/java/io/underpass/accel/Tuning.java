/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.accel;

import io.underpass.ffm.BpfObject;
import io.underpass.policy.Rules;
import java.io.IOException;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;

/**
 * What can be set before the object is loaded.
 *
 * @param takeEvery enrol every pair as soon as it is found, whatever its traffic
 * @param maxEntries how many entries maps have, by name; the others have what {@code maps.bpf.h}
 *     says
 * @param knobs values of other {@code const volatile} variables of the programs, by name
 * @param faults what the kernel probe's own programs do wrong, so that a test sees it refuse
 * @param rules what the administrator decides by port
 * @param probeLimit how long the kernel probe may take
 * @param refuseFiles whether the programs that visit open files are left out, as where the kernel
 *     refuses them
 * @param trustDigest of the policy's lines of trust: registrations that an earlier helper left
 *     trust each other on only by the same lines
 */
public record Tuning(
    boolean takeEvery,
    Map<String, Integer> maxEntries,
    Map<String, Long> knobs,
    Set<Fault> faults,
    Rules rules,
    Duration probeLimit,
    boolean refuseFiles,
    int trustDigest) {
  /** For a kernel that hangs; a good one takes a tenth of a second. */
  private static final Duration PROBE_LIMIT = Duration.ofSeconds(15);

  public static final Tuning DEFAULT =
      new Tuning(false, Map.of(), Map.of(), Set.of(), Rules.NONE, PROBE_LIMIT, false, 0);

  /**
   * What a kernel could do wrong; {@code enum up_fault} of {@code underpass.h}, and the probe's.
   */
  public enum Fault {
    ORDER(1),
    READER(2),
    WAKE(4),
    HALF_CLOSE(8),
    BACK_PRESSURE(16),
    AVAILABLE(32),
    UNENROL(64),

    /** No program can make the kernel's own count wrong: the probe misreads it. */
    FIONREAD(128),
    REST(256),
    ENROL(512),
    PAUSE(1024),
    PASS(2048),
    LARGE(4096),
    UNREAD(8192),
    BOTH(16384),
    STAY(32768),

    /** Nor what a selector says, or when a stream ends: the probe misreads these too. */
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
    return new Tuning(
        every, maxEntries, knobs, faults, rules, probeLimit, refuseFiles, trustDigest);
  }

  /** So many sockets can be enrolled. */
  public Tuning withMaxMembers(int most) {
    return withMaxEntries("members", most).withMaxEntries("senders", most);
  }

  /** The map has room for so many entries. */
  public Tuning withMaxEntries(String name, int most) {
    Map<String, Integer> all = new HashMap<>(maxEntries);
    all.put(name, most);
    return new Tuning(
        takeEvery, Map.copyOf(all), knobs, faults, rules, probeLimit, refuseFiles, trustDigest);
  }

  /** The programs' variable has this value, instead of what {@code maps.bpf.h} says. */
  public Tuning withKnob(String variable, long value) {
    Map<String, Long> all = new HashMap<>(knobs);
    all.put(variable, value);
    return new Tuning(
        takeEvery,
        maxEntries,
        Map.copyOf(all),
        faults,
        rules,
        probeLimit,
        refuseFiles,
        trustDigest);
  }

  public Tuning withFaults(Fault... some) {
    return new Tuning(
        takeEvery, maxEntries, knobs, Set.of(some), rules, probeLimit, refuseFiles, trustDigest);
  }

  /** What is decided by port. */
  public Tuning withRules(Rules some) {
    return new Tuning(
        takeEvery, maxEntries, knobs, faults, some, probeLimit, refuseFiles, trustDigest);
  }

  public Tuning withProbeLimit(Duration limit) {
    return new Tuning(takeEvery, maxEntries, knobs, faults, rules, limit, refuseFiles, trustDigest);
  }

  public Tuning withoutFiles() {
    return new Tuning(takeEvery, maxEntries, knobs, faults, rules, probeLimit, true, trustDigest);
  }

  /** By these lines of trust. */
  public Tuning withTrustDigest(int digest) {
    return new Tuning(takeEvery, maxEntries, knobs, faults, rules, probeLimit, refuseFiles, digest);
  }

  public int faultBits() {
    return faults.stream().mapToInt(f -> f.bit).sum();
  }

  void apply(BpfObject object) throws IOException {
    object.setKnob("take_every", takeEvery ? 1 : 0);
    object.setKnob("user_messages", Users.mostMessages());
    knobs.forEach(object::setKnob);
    for (Map.Entry<String, Integer> map : maxEntries.entrySet()) {
      object.setMaxEntries(map.getKey(), map.getValue());
    }
  }
}
