/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.kernel;

import static java.util.stream.Collectors.joining;

import io.underpass.ffm.BpfObject;
import io.underpass.ffm.Errno;
import io.underpass.ffm.ProgramSpec;
import io.underpass.ffm.RefusedKind;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * The kinds of programs that the built objects consist of, and what each is needed for: where a
 * hardened kernel refuses a whole kind, that is what a person has to know.
 */
public final class ProgramKinds {
  /**
   * What programs are for.
   *
   * @param doing goes on after "which": the programs are its subject
   * @param needed whether the helper cannot start without
   */
  private record Purpose(String doing, boolean needed, Set<String> kinds) {}

  private static final List<Purpose> PURPOSES =
      List.of(
          new Purpose("redirect messages", true, Set.of("sk_msg")),
          new Purpose("find sockets by look-up", true, Set.of("tc")),
          new Purpose("find the sockets that a process has open", false, Set.of("iter/task_file")),
          new Purpose("answer JVMs that ask for acceleration", true, Set.of("cgroup/setsockopt")),
          new Purpose("answer available() and close", true, Set.of("cgroup/getsockopt")),
          new Purpose(
              "translate the ports of groups",
              false,
              Set.of(
                  "cgroup/bind4",
                  "cgroup/bind6",
                  "cgroup/post_bind4",
                  "cgroup/post_bind6",
                  "cgroup/sock_release",
                  "cgroup/connect4",
                  "cgroup/connect6",
                  "cgroup/sendmsg4",
                  "cgroup/sendmsg6",
                  "cgroup/recvmsg4",
                  "cgroup/recvmsg6",
                  "cgroup/getsockname4",
                  "cgroup/getsockname6",
                  "cgroup/getpeername4",
                  "cgroup/getpeername6")));

  private ProgramKinds() {}

  /** The programs of both built objects. */
  static List<ProgramSpec> built() throws IOException {
    List<ProgramSpec> programs = new ArrayList<>();
    for (BuiltObject built : BuiltObject.values()) {
      try (BpfObject object = BpfObject.open(built.image(), "underpass_kinds")) {
        programs.addAll(object.programs());
      }
    }
    return List.copyOf(programs);
  }

  /**
   * Tries each kind that the built objects have. It takes privilege, and leaves nothing behind.
   *
   * @return those that the kernel refuses
   */
  public static List<RefusedKind> refused() throws IOException {
    return RefusedKind.among(built());
  }

  /**
   * {@code kind sk_msg, which redirect messages (EPERM: up_verdict)}; several that are for the same
   * are told together.
   */
  public static String describe(List<RefusedKind> refused) {
    record Group(String which, int errno) {}
    Map<Group, List<RefusedKind>> groups = new LinkedHashMap<>();
    for (RefusedKind one : refused) {
      String which = purposeOf(one.kind()).map(p -> ", which " + p.doing).orElse("");
      groups.computeIfAbsent(new Group(which, one.errno()), _ -> new ArrayList<>()).add(one);
    }
    return groups.entrySet().stream()
        .map(
            g ->
                (g.getValue().size() == 1 ? "kind " : "kinds ")
                    + g.getValue().stream().map(RefusedKind::kind).collect(joining(", "))
                    + g.getKey().which
                    + g.getValue().stream()
                        .flatMap(r -> r.programs().stream())
                        .collect(joining(", ", " (" + Errno.name(g.getKey().errno) + ": ", ")")))
        .collect(joining(", and "));
  }

  /** {@code up_verdict (kind sk_msg), one of those that redirect messages}. */
  public static String describe(ProgramSpec program) {
    return program.name()
        + " (kind "
        + program.kind()
        + ")"
        + purposeOf(program.kind()).map(p -> ", one of those that " + p.doing).orElse("");
  }

  /** Whether the helper cannot start without one of these; without others port groups cannot be. */
  public static boolean areNeeded(List<RefusedKind> refused) {
    return refused.stream().anyMatch(r -> purposeOf(r.kind()).map(p -> p.needed).orElse(true));
  }

  static boolean isKnown(String kind) {
    return purposeOf(kind).isPresent();
  }

  private static Optional<Purpose> purposeOf(String kind) {
    return PURPOSES.stream().filter(p -> p.kinds.contains(kind)).findFirst();
  }
}
