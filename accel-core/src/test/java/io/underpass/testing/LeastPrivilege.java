/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.testing;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Commands in front of another, which then has less privilege than a test. */
public final class LeastPrivilege {
  private static final Path COMMAND =
      Path.of(System.getProperty("underpass.root", "."), "bin/underpass");
  private static final String LINE = "capabilities=\"";

  private LeastPrivilege() {}

  /** Those that bin/underpass leaves the helper. */
  public static List<String> capabilities() throws IOException {
    for (String line : Files.readAllLines(COMMAND)) {
      if (line.startsWith(LINE)) {
        return List.of(line.substring(LINE.length(), line.length() - 1).split(" ", -1));
      }
    }
    throw new IOException(COMMAND + " names no capabilities");
  }

  /** Runs a command as an ordinary user without any capability, but for what it gains by setuid. */
  public static List<String> stranger(int uid) {
    return List.of(
        "setpriv", "--reuid=" + uid, "--regid=" + uid, "--clear-groups", "--bounding-set=-all");
  }

  /** An ordinary user with nothing else, and no way to more. */
  public static List<String> user(int uid) {
    return user(uid, List.of());
  }

  /** An ordinary user that has these capabilities, and keeps them over execve(2). */
  public static List<String> user(int uid, List<String> capabilities) {
    StringBuilder set = new StringBuilder("-all");
    capabilities.forEach(c -> set.append(",+").append(c));
    return new ArrayList<>(
        List.of(
            "setpriv",
            "--reuid=" + uid,
            "--regid=" + uid,
            "--clear-groups",
            "--no-new-privs",
            "--inh-caps=" + set,
            "--ambient-caps=" + set,
            "--bounding-set=" + set));
  }
}
