/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.host;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * What the helper may do, and what it should not be able to.
 *
 * <p>Nothing is dropped here: capabilities belong to threads, and the JVM has a dozen before the
 * first class of ours. {@code bin/underpass} and the unit drop them before the JVM starts.
 */
public final class Privileges {
  /** How the helper comes to have just what it needs. */
  public static final String REMEDY =
      "start it by underpass helper, or by the unit underpass.service";

  /**
   * One of capabilities(7).
   *
   * @param off what does not work without it; empty for everything
   */
  private record Capability(int bit, String name, String off) {
    Capability(int bit, String name) {
      this(bit, name, "");
    }

    boolean isNeeded() {
      return off.isEmpty();
    }

    boolean isIn(long set) {
      return (set >>> bit & 1) != 0;
    }
  }

  private static final List<Capability> ALL =
      List.of(
          new Capability(2, "CAP_DAC_READ_SEARCH"), // cgroups by their ids
          new Capability(12, "CAP_NET_ADMIN"), // socket programs and sockmaps
          new Capability(
              19,
              "CAP_SYS_PTRACE", // to see which network namespace a process is in
              "JVMs of users other than the helper's own have no port groups, and their connections"
                  + " in network namespaces other than the helper's run by TCP"),
          new Capability(
              21,
              "CAP_SYS_ADMIN", // setns(2), mount(2)
              "connections in network namespaces other than the helper's run by TCP, and it cannot"
                  + " mount a bpf file system"),
          new Capability(38, "CAP_PERFMON"), // iterators and CO-RE reads
          new Capability(39, "CAP_BPF"));

  private Privileges() {}

  /** Throws if something is missing that nothing works without. */
  public static void check() throws HelperException {
    check(ofSelf());
  }

  public static void check(HeldPrivileges held) throws HelperException {
    List<String> missing =
        ALL.stream()
            .filter(c -> c.isNeeded() && !c.isIn(held.effective()))
            .map(Capability::name)
            .toList();
    if (!missing.isEmpty()) {
      throw new HelperException(
          "the privilege is missing (" + String.join(", ", missing) + ")",
          "run it as root: sudo underpass helper");
    }
  }

  /** A line for each thing that is off, and one if this process could do more than it needs. */
  public static List<String> remarks() throws HelperException {
    return remarks(ofSelf());
  }

  public static List<String> remarks(HeldPrivileges held) {
    List<String> remarks = new ArrayList<>();
    long further = held.any();
    for (Capability capability : ALL) {
      further &= ~(1L << capability.bit());
      if (!capability.isNeeded() && !capability.isIn(held.effective())) {
        remarks.add("without " + capability.name() + ": " + capability.off());
      }
    }
    if (further != 0) {
      remarks.add(
          "the helper has "
              + Long.bitCount(further)
              + " capabilities that it does not need, or could get them: "
              + REMEDY);
    }
    if (!held.noNewPrivileges()) {
      remarks.add("the helper could get new privileges by a program that it runs: " + REMEDY);
    }
    return remarks;
  }

  /** Those that the helper is to have, as setpriv(1) names them, in the order of their numbers. */
  static List<String> names() {
    return ALL.stream()
        .map(c -> c.name().substring("CAP_".length()).toLowerCase(Locale.ROOT))
        .toList();
  }

  private static HeldPrivileges ofSelf() throws HelperException {
    try {
      return HeldPrivileges.ofSelf();
    } catch (IOException e) {
      throw new HelperException("cannot read /proc/self/task: " + e, "mount /proc", e);
    }
  }
}
