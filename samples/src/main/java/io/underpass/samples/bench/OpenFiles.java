/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.samples.bench;

import io.underpass.samples.process.ChildException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Pattern;

/** Whether a process may have as many files open as a suite wants. */
final class OpenFiles {

  /** What a JVM has open besides its connections. */
  private static final int OTHERS = 500;

  private OpenFiles() {}

  /** Fails where a process may not have so many connections open. */
  static void check(String suite, int connections) throws IOException {
    check(suite, connections + OTHERS, hardLimit(Files.readString(Path.of("/proc/self/limits"))));
  }

  /** A JVM raises its soft limit to the hard one by itself (MaxFDLimit), so that one counts. */
  static void check(String suite, int needed, long limit) {
    if (limit < needed) {
      throw new ChildException(
          "%s wants %d open files a process, and the hard limit is %d: raise it (ulimit -Hn %d), or choose fewer flows (--size)"
              .formatted(suite, needed, limit, needed));
    }
  }

  /** {@return the hard limit of open files in the text of /proc/self/limits} */
  static long hardLimit(String limits) {
    var line = Pattern.compile("^Max open files +\\S+ +(\\S+)", Pattern.MULTILINE).matcher(limits);
    if (!line.find()) {
      throw new ChildException("no open files in /proc/self/limits");
    }
    return line.group(1).equals("unlimited") ? Long.MAX_VALUE : Long.parseLong(line.group(1));
  }
}
