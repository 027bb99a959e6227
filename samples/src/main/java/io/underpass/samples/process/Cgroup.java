/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.samples.process;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** A cgroup of the v2 hierarchy for some children, as a service manager or a container has one. */
public final class Cgroup implements AutoCloseable {
  private static final String PREFIX = "underpass-cgroup-";

  private final Path path;

  private Cgroup(Path path) {
    this.path = path;
  }

  /**
   * Makes one at the top of the hierarchy, and removes those that a killed run has left.
   *
   * @throws ChildException if the hierarchy is not mounted
   */
  public static Cgroup create(Workspace workspace) throws IOException {
    Path mount = mount();
    try (DirectoryStream<Path> left = Files.newDirectoryStream(mount, PREFIX + "*")) {
      for (Path folder : left) {
        remove(folder);
      }
    }
    Path path = mount.resolve(PREFIX + ProcessHandle.current().pid());
    return workspace.hold(new Cgroup(Files.createDirectory(path)));
  }

  /** What goes before a command, so that it runs in this cgroup from its start. */
  public List<String> prefix() {
    return List.of(
        "sh", "-c", "echo $$ > " + path.resolve("cgroup.procs") + " && exec \"$@\"", "sh");
  }

  private static Path mount() throws IOException {
    for (String line : Files.readAllLines(Path.of("/proc/self/mounts"))) {
      String[] fields = line.split(" ", -1);
      if (fields[2].equals("cgroup2")) {
        return Path.of(fields[1]);
      }
    }
    throw new ChildException("no cgroup v2 hierarchy is mounted");
  }

  private static void remove(Path folder) {
    try {
      Files.deleteIfExists(folder);
    } catch (IOException e) {
      // Busy: it is of a run beside this one.
    }
  }

  /** After its children, whom the workspace holds too. */
  @Override
  public void close() {
    remove(path);
  }
}
