/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.ffm;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A kind of programs that the kernel does not take, whatever they do: a security module or a patch
 * forbids it, a privilege is missing, or this kernel has no such kind.
 *
 * @param kind as in {@link ProgramSpec}
 * @param errno the positive error number of the refusal
 * @param programs the names of those that are of this kind
 */
public record RefusedKind(String kind, int errno, List<String> programs) {
  /** enum bpf_prog_type. */
  private static final int BPF_PROG_TYPE_SOCKET_FILTER = 1;

  private static final int BPF_PROG_TYPE_TRACING = 26;

  /** enum bpf_attach_type. */
  private static final int BPF_TRACE_ITER = 28;

  /** enum in linux/btf.h. */
  private static final int BTF_KIND_FUNC = 12;

  /** What the kernel's functions begin with that stand for what an iterator visits. */
  private static final String ITERATORS = "bpf_iter_";

  /**
   * Tries each kind by the shortest program of that kind, which answers 1: there is nothing in it
   * that the verifier could reject, so it is the kind that is refused. Nothing stays in the kernel.
   *
   * @return the kinds that are refused, in the order of the programs
   * @throws NativeException if the kernel loads no program at all, not even a socket filter, the
   *     least that it lets anybody load: then this is not about kinds
   */
  public static List<RefusedKind> among(List<ProgramSpec> programs) throws NativeException {
    unload(BpfCalls.check(BpfCalls.progLoad(BPF_PROG_TYPE_SOCKET_FILTER, 0, 0), "bpf_prog_load"));
    Map<String, List<ProgramSpec>> byKind = new LinkedHashMap<>();
    for (ProgramSpec program : programs) {
      byKind.computeIfAbsent(program.kind(), _ -> new ArrayList<>()).add(program);
    }
    // Read once for all, and only for those that need it: it is megabytes.
    MemorySegment kernel =
        programs.stream().anyMatch(RefusedKind::isIterator)
            ? ObjectCalls.kernelBtf()
            : MemorySegment.NULL;
    try {
      List<RefusedKind> refused = new ArrayList<>();
      byKind.forEach(
          (kind, all) -> {
            int result = load(all.getFirst(), kernel);
            // Without memory it has not been asked.
            if (result < 0 && result != -Errno.ENOMEM) {
              List<String> names = all.stream().map(ProgramSpec::name).toList();
              refused.add(new RefusedKind(kind, -result, names));
            }
            unload(result);
          });
      return List.copyOf(refused);
    } finally {
      ObjectCalls.free(kernel);
    }
  }

  /** Whether somebody forbids it, so that this kernel may have it all the same. */
  public boolean isForbidden() {
    return errno == Errno.EPERM || errno == Errno.EACCES;
  }

  /** A descriptor, or {@code -errno}. An iterator attaches to a function by its name. */
  private static int load(ProgramSpec program, MemorySegment kernel) {
    int target = 0;
    if (isIterator(program)) {
      String name = ITERATORS + program.kind().substring(program.kind().indexOf('/') + 1);
      target =
          Symbols.isNull(kernel) ? -Errno.ENOENT : ObjectCalls.btfFind(kernel, name, BTF_KIND_FUNC);
      if (target < 0) {
        return target;
      }
    }
    return BpfCalls.progLoad(program.type(), program.attachType(), target);
  }

  private static boolean isIterator(ProgramSpec program) {
    return program.type() == BPF_PROG_TYPE_TRACING && program.attachType() == BPF_TRACE_ITER;
  }

  private static void unload(int fd) {
    if (fd >= 0) {
      LibC.close(fd);
    }
  }
}
