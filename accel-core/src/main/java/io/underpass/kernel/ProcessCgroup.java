/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.kernel;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.OptionalLong;

/** The cgroup that a process is in, as {@code /proc} shows it. */
public final class ProcessCgroup {
  /** The v2 hierarchy's line of {@code /proc/<pid>/cgroup}. */
  private static final String V2 = "0::/";

  private ProcessCgroup() {}

  /**
   * Its id, which is the number of its folder's inode; empty if the process has gone, or its cgroup
   * is outside of what this process sees.
   *
   * @param mount where the whole v2 hierarchy is mounted
   */
  public static OptionalLong idOf(int pid, Path mount) {
    try {
      for (String line : Files.readAllLines(Path.of("/proc/" + pid + "/cgroup"))) {
        if (line.startsWith(V2)) {
          Path folder = mount.resolve(line.substring(V2.length())).normalize();
          return OptionalLong.of((Long) Files.getAttribute(folder, "unix:ino"));
        }
      }
    } catch (IOException e) {
      return OptionalLong.empty(); // as it says
    }
    return OptionalLong.empty();
  }
}
