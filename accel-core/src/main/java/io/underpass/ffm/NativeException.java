/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.ffm;

import java.io.IOException;
import java.io.Serial;

/** A native call that failed: which one, with which errno, and what the library said about it. */
public sealed class NativeException extends IOException permits LoadException {
  @Serial private static final long serialVersionUID = 1L;

  private final String call;
  private final int errno;
  private final String detail;

  NativeException(String call, int errno) {
    this(call, errno, "");
  }

  NativeException(String call, int errno, String detail) {
    super(
        call
            + ": "
            + Errno.name(errno)
            + " ("
            + Errno.text(errno)
            + ")"
            + (detail.isEmpty() ? "" : ": " + detail));
    this.call = call;
    this.errno = errno;
    this.detail = detail;
  }

  /** The C function, with its subject where it has one: {@code open /sys/fs/cgroup}. */
  public String call() {
    return call;
  }

  /** The positive error number, as in errno(3); compare it with the constants of {@link Errno}. */
  public int errno() {
    return errno;
  }

  /** The last lines of libbpf or of the verifier; empty if there were none. */
  public String detail() {
    return detail;
  }
}
