/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.bpf;

import io.underpass.testing.TestCgroup;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * A cgroup whose processes may have so much memory, of all kinds that cgroups are charged for; in
 * the hierarchy that has the controller.
 */
final class LimitedCgroup implements AutoCloseable {
  private static final Path V1 = Path.of("/sys/fs/cgroup/memory");
  private static final String PREFIX = "underpass-limited-";

  private final Path path;

  LimitedCgroup(long bytes) throws IOException {
    boolean first = Files.exists(V1.resolve("memory.limit_in_bytes"));
    Path hierarchy = first ? V1 : TestCgroup.mount();
    removeOrphans(hierarchy);
    path = Files.createDirectory(hierarchy.resolve(PREFIX + ProcessHandle.current().pid()));
    Files.writeString(
        path.resolve(first ? "memory.limit_in_bytes" : "memory.max"), Long.toString(bytes));
  }

  /** A command in front of another, which then runs here from its start. */
  List<String> prefix() {
    return List.of(
        "sh", "-c", "echo $$ > " + path.resolve("cgroup.procs") + " && exec \"$@\"", "sh");
  }

  /** When its last process has ended. */
  @Override
  public void close() throws IOException {
    Files.delete(path);
  }

  /** Those of a test that was killed. */
  private static void removeOrphans(Path hierarchy) throws IOException {
    try (DirectoryStream<Path> all = Files.newDirectoryStream(hierarchy, PREFIX + "*")) {
      for (Path cgroup : all) {
        String pid = cgroup.getFileName().toString().substring(PREFIX.length());
        if (ProcessHandle.of(Long.parseLong(pid)).isEmpty()) {
          Files.delete(cgroup);
        }
      }
    }
  }
}
