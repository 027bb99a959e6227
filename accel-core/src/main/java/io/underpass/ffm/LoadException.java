/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.ffm;

import java.io.Serial;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;

/** An object that the kernel has not loaded: which kinds of programs, or which program, it is. */
public final class LoadException extends NativeException {
  @Serial private static final long serialVersionUID = 1L;

  private final transient List<RefusedKind> refused;
  private final transient ProgramSpec rejected;

  /**
   * @param refused the kinds in the object that the kernel takes no program of
   * @param rejected the program that the load ended at; null if it was none, a map, say
   * @param log the last lines of libbpf or of the verifier
   */
  LoadException(int errno, List<RefusedKind> refused, ProgramSpec rejected, String log) {
    super("bpf_object__load", errno, refused.isEmpty() ? log : words(refused));
    this.refused = refused;
    this.rejected = rejected;
  }

  /** libbpf's own are left out: it has the first of these programs, and no reason. */
  private static String words(List<RefusedKind> refused) {
    return refused.stream()
        .map(r -> r.kind() + " (" + String.join(", ", r.programs()) + ")")
        .collect(Collectors.joining(", ", "programs are refused by their kind: ", ""));
  }

  /** Kinds that the kernel takes no program of; empty if it takes all of this object's. */
  public List<RefusedKind> refused() {
    return refused;
  }

  /** The program that is at fault on this kernel, which takes others of its kind. */
  public Optional<ProgramSpec> rejected() {
    return refused.isEmpty() ? Optional.ofNullable(rejected) : Optional.empty();
  }
}
