/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.host;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * The mounts of this process, read from proc_pid_mountinfo(5).
 *
 * @param root the folder of the file system that is mounted, {@code /} for all of it
 * @param point where it is mounted
 * @param type of the file system
 */
public record MountInfo(String root, Path point, String type) {
  /** Names another file than the kernel's, for tests. */
  static final String FILE_PROPERTY = "underpass.mountinfo";

  private static final int ROOT = 3;
  private static final int POINT = 4;

  public static List<MountInfo> ofSelf() throws HelperException {
    Path file = Path.of(System.getProperty(FILE_PROPERTY, "/proc/self/mountinfo"));
    try {
      return parse(Files.readAllLines(file));
    } catch (IOException e) {
      throw new HelperException("cannot read " + file + ": " + e, "mount /proc", e);
    }
  }

  /** Lines that are not of the documented form are passed over. */
  static List<MountInfo> parse(List<String> lines) {
    List<MountInfo> mounts = new ArrayList<>();
    for (String line : lines) {
      int separator = line.indexOf(" - ");
      String[] before = line.split(" ", -1);
      if (separator < 0 || before.length <= POINT) {
        continue;
      }
      String[] after = line.substring(separator + 3).split(" ", -1);
      mounts.add(new MountInfo(unescape(before[ROOT]), Path.of(unescape(before[POINT])), after[0]));
    }
    return mounts;
  }

  /** Space, tab, newline and backslash are written as three octal digits. */
  private static String unescape(String text) {
    StringBuilder out = new StringBuilder();
    for (int i = 0; i < text.length(); i++) {
      if (text.charAt(i) == '\\' && text.substring(i + 1).matches("(?s)[0-7]{3}.*")) {
        out.append((char) Integer.parseInt(text.substring(i + 1, i + 4), 8));
        i += 3;
      } else {
        out.append(text.charAt(i));
      }
    }
    return out.toString();
  }
}
