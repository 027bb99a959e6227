/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.kernel;

import io.underpass.ffm.Errno;
import io.underpass.ffm.LoadException;
import io.underpass.ffm.NativeException;
import io.underpass.ffm.RefusedKind;
import io.underpass.host.HelperException;
import java.util.List;

/** What a person is told of an object that the kernel has not loaded. */
public final class LoadFailure {
  /** What libbpf says where a pinned map has another type or other sizes than it should have. */
  private static final String OTHER_MAP = "couldn't reuse pinned map";

  private LoadFailure() {}

  /** Names the kinds of programs that the kernel refuses, or the program that it rejects. */
  public static HelperException explain(LoadException e) {
    if (!e.refused().isEmpty()) {
      return ofKinds(e.refused(), e);
    }
    if (e.getMessage().contains(OTHER_MAP)) {
      return new HelperException(
          "what is pinned is another program's, or another version's: " + e.getMessage(),
          "end what uses it, and then remove it (rm -r), or choose another folder with --pin-dir",
          e);
    }
    if (e.rejected().isEmpty() || isMemory(e.errno())) {
      return HelperException.of((NativeException) e);
    }
    return new HelperException(
        "kernel "
            + System.getProperty("os.version")
            + " rejects the program "
            + ProgramKinds.describe(e.rejected().get())
            + ", though it takes others of that kind: "
            + e.getMessage(),
        HelperException.NEWER + ", and report it if this one has",
        e);
  }

  /** Kinds of which the kernel takes no program. */
  public static HelperException ofKinds(List<RefusedKind> refused, Throwable cause) {
    return new HelperException(
        "the kernel refuses programs of " + ProgramKinds.describe(refused),
        refused.stream().allMatch(RefusedKind::isForbidden)
            ? "lift what forbids them, such as a security module's policy, or use another kernel"
            : HelperException.NEWER,
        cause);
  }

  private static boolean isMemory(int errno) {
    return errno == Errno.ENOMEM || errno == Errno.ENOSPC;
  }
}
