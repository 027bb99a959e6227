package io.underpass.helper;

import io.underpass.datapath.ProgramKinds;
import io.underpass.ffm.Errno;
import io.underpass.ffm.LoadException;
import io.underpass.ffm.NativeException;
import io.underpass.ffm.RefusedKind;
import io.underpass.ffm.UnavailableException;
import java.io.IOException;
import java.io.Serial;
import java.util.List;

/** Why the helper cannot start, and what a person can do about it; its message is one line. */
public final class HelperException extends IOException {
  @Serial private static final long serialVersionUID = 1L;

  private static final String NEWER =
      "use a kernel that has what README.md lists under requirements";

  /** What libbpf says where a pinned map has not the type or the sizes that it should have. */
  private static final String OTHER_MAP = "couldn't reuse pinned map";

  private final String reason;
  private final String remedy;

  public HelperException(String reason, String remedy) {
    this(reason, remedy, null);
  }

  public HelperException(String reason, String remedy, Throwable cause) {
    super("cannot start: " + oneLine(reason) + "; " + oneLine(remedy), cause);
    this.reason = oneLine(reason);
    this.remedy = oneLine(remedy);
  }

  /** Something that native calls depend on is missing. */
  public static HelperException of(UnavailableException e) {
    return new HelperException(e.reason(), e.remedy(), e);
  }

  /** An object that the kernel has not loaded: its kinds of programs, or one program, tell why. */
  public static HelperException of(LoadException e) {
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
      return of((NativeException) e);
    }
    return new HelperException(
        "kernel "
            + System.getProperty("os.version")
            + " rejects the program "
            + ProgramKinds.describe(e.rejected().get())
            + ", though it takes others of that kind: "
            + e.getMessage(),
        NEWER + ", and report it if this one has",
        e);
  }

  /** Kinds of programs that the kernel takes none of. */
  static HelperException ofKinds(List<RefusedKind> refused, Throwable cause) {
    return new HelperException(
        "the kernel refuses programs of " + ProgramKinds.describe(refused),
        refused.stream().allMatch(RefusedKind::isForbidden)
            ? "lift what forbids them, such as a security module's policy, or use another kernel"
            : NEWER,
        cause);
  }

  private static boolean isMemory(int errno) {
    return errno == Errno.ENOMEM || errno == Errno.ENOSPC;
  }

  /** A refusal by the kernel, of which the errno and the verifier's last lines tell the cause. */
  public static HelperException of(NativeException e) {
    String kernel = System.getProperty("os.version");
    return switch (e.errno()) {
      case Errno.EPERM ->
          new HelperException(
              "the kernel does not permit " + e.getMessage(),
              "run the helper as root, outside of containers that forbid bpf(2), and without"
                  + " lockdown=confidentiality",
              e);
      case Errno.ENOMEM, Errno.ENOSPC ->
          new HelperException(
              "the kernel has no memory for " + e.getMessage(),
              "free some, or lift the limit of the helper's cgroup",
              e);
      default -> new HelperException("kernel " + kernel + " refuses " + e.getMessage(), NEWER, e);
    };
  }

  /** What is wrong. */
  public String reason() {
    return reason;
  }

  /** What a person can do about it. */
  public String remedy() {
    return remedy;
  }

  private static String oneLine(String text) {
    return text.replaceAll("\\s*\\R\\s*", " ");
  }
}
