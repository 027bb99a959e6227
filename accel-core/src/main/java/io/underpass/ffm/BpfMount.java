/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.ffm;

import java.nio.file.Path;

/** Mounts the file system that BPF pins live in. */
public final class BpfMount {
  private static final long MS_NOSUID = 2;
  private static final long MS_NODEV = 4;
  private static final long MS_NOEXEC = 8;

  private BpfMount() {}

  /** Mounts bpffs on a folder that exists. Needs CAP_SYS_ADMIN. */
  public static void mount(Path folder) throws NativeException {
    LibC.mount("bpf", folder, "bpf", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=0700");
  }
}
