/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.ffm;

import java.util.Map;

/** The error numbers that callers tell apart, with the values of Linux on x86-64 and arm64. */
public final class Errno {
  public static final int EPERM = 1;
  public static final int ENOENT = 2;
  public static final int ESRCH = 3;
  public static final int EINTR = 4;
  public static final int E2BIG = 7;
  public static final int EBADF = 9;
  public static final int EAGAIN = 11;
  public static final int ENOMEM = 12;
  public static final int EACCES = 13;
  public static final int EBUSY = 16;
  public static final int EEXIST = 17;
  public static final int ENODEV = 19;
  public static final int EINVAL = 22;
  public static final int ENOSPC = 28;
  public static final int EPIPE = 32;
  public static final int ERANGE = 34;
  public static final int ENODATA = 61;
  public static final int ENOLINK = 67;
  public static final int ENOPROTOOPT = 92;
  public static final int EOPNOTSUPP = 95;
  public static final int EADDRNOTAVAIL = 99;
  public static final int ESTALE = 116;

  /** The kernel's own "not supported" (include/linux/errno.h), which leaks out of bpf(2). */
  public static final int ENOTSUPP = 524;

  private static final Map<Integer, String> NAMES =
      Map.ofEntries(
          Map.entry(EPERM, "EPERM"),
          Map.entry(ENOENT, "ENOENT"),
          Map.entry(ESRCH, "ESRCH"),
          Map.entry(EINTR, "EINTR"),
          Map.entry(E2BIG, "E2BIG"),
          Map.entry(EBADF, "EBADF"),
          Map.entry(EAGAIN, "EAGAIN"),
          Map.entry(ENOMEM, "ENOMEM"),
          Map.entry(EACCES, "EACCES"),
          Map.entry(EBUSY, "EBUSY"),
          Map.entry(EEXIST, "EEXIST"),
          Map.entry(ENODEV, "ENODEV"),
          Map.entry(EINVAL, "EINVAL"),
          Map.entry(ENOSPC, "ENOSPC"),
          Map.entry(EPIPE, "EPIPE"),
          Map.entry(ERANGE, "ERANGE"),
          Map.entry(ENODATA, "ENODATA"),
          Map.entry(ENOLINK, "ENOLINK"),
          Map.entry(ENOPROTOOPT, "ENOPROTOOPT"),
          Map.entry(EOPNOTSUPP, "EOPNOTSUPP"),
          Map.entry(EADDRNOTAVAIL, "EADDRNOTAVAIL"),
          Map.entry(ESTALE, "ESTALE"),
          Map.entry(ENOTSUPP, "ENOTSUPP"));

  private Errno() {}

  /** libbpf's own errors begin here (libbpf.h, LIBBPF_ERRNO__FORMAT: no valid BPF object). */
  private static final int LIBBPF_ERRORS = 4000;

  /** {@code "EBUSY"}, or {@code "errno 200"} for a number that has no name here. */
  public static String name(int errno) {
    return NAMES.getOrDefault(errno, "errno " + errno);
  }

  /** What it means, in words. */
  static String text(int errno) {
    if (errno == ENOTSUPP) {
      return "Operation not supported";
    }
    return errno >= LIBBPF_ERRORS ? "rejected by libbpf" : LibC.strerror(errno);
  }
}
