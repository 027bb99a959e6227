/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.host;

import io.underpass.ffm.Errno;
import io.underpass.ffm.NativeException;
import io.underpass.ffm.UnavailableException;
import java.io.IOException;
import java.io.Serial;

/** Why the helper cannot start, and what a person can do about it; its message is one line. */
public final class HelperException extends IOException {
  @Serial private static final long serialVersionUID = 1L;

  public static final String NEWER =
      "use a kernel that has what README.md lists under requirements";

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
