/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.samples.process;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Who runs this JVM. */
public final class User {

  private User() {}

  /** Whether the effective user is root: the owner of this process's folder in proc(5). */
  public static boolean isRoot() {
    try {
      return Files.getAttribute(Path.of("/proc/self"), "unix:uid").equals(0);
    } catch (IOException e) {
      return false;
    }
  }
}
