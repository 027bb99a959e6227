/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.testing;

import io.underpass.host.CgroupMount;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;

/** A cgroup of a test's own in the v2 hierarchy, named by the test's process. */
public final class TestCgroup implements AutoCloseable {
  private static final String PREFIX = "underpass-test-";
  private static final AtomicInteger NUMBER = new AtomicInteger();

  private final Path path;

  private TestCgroup(Path path) throws IOException {
    this.path = Files.createDirectory(path);
  }

  /** At the top of the hierarchy. */
  public static TestCgroup create() throws IOException {
    removeOrphans();
    return new TestCgroup(
        mount().resolve(PREFIX + ProcessHandle.current().pid() + "-" + NUMBER.incrementAndGet()));
  }

  /** Below this one. */
  public TestCgroup child() throws IOException {
    return new TestCgroup(path.resolve("child" + NUMBER.incrementAndGet()));
  }

  /** Its id, as the kernel gives it: that is its inode's number. */
  public long id() throws IOException {
    return idOf(path);
  }

  /** The id of the cgroup that this process is in. */
  public static long ownId() throws IOException {
    for (String line : Files.readAllLines(Path.of("/proc/self/cgroup"))) {
      if (line.startsWith("0::/")) {
        return idOf(mount().resolve(line.substring(4)));
      }
    }
    throw new IOException("no cgroup v2");
  }

  private static long idOf(Path cgroup) throws IOException {
    return (Long) Files.getAttribute(cgroup, "unix:ino");
  }

  /** Moves a process here; the sockets that it has stay what they were. */
  public void take(long pid) throws IOException {
    Files.writeString(path.resolve("cgroup.procs"), Long.toString(pid));
  }

  /** A command in front of another, which then runs here from its start. */
  public List<String> prefix() {
    return List.of(
        "sh", "-c", "echo $$ > " + path.resolve("cgroup.procs") + " && exec \"$@\"", "sh");
  }

  /** When its last process has ended, or was moved; its sockets may go on. */
  public void remove() throws IOException {
    Files.deleteIfExists(path);
  }

  @Override
  public void close() throws IOException {
    remove();
  }

  /** Where the hierarchy is mounted. */
  public static Path mount() throws IOException {
    return CgroupMount.find();
  }

  /** Those of a test that was killed, with those below them first. */
  private static void removeOrphans() throws IOException {
    try (DirectoryStream<Path> all = Files.newDirectoryStream(mount(), PREFIX + "*")) {
      for (Path cgroup : all) {
        if (isOrphan(cgroup)) {
          removeWithChildren(cgroup);
        }
      }
    }
  }

  /** What is busy, or goes by itself, is left to the run after this one. */
  private static void removeWithChildren(Path cgroup) {
    try (DirectoryStream<Path> below = Files.newDirectoryStream(cgroup, "child*")) {
      for (Path child : below) {
        Files.deleteIfExists(child);
      }
      Files.deleteIfExists(cgroup);
    } catch (IOException e) {
      System.err.println("left: " + e);
    }
  }

  private static boolean isOrphan(Path cgroup) {
    long pid = Long.parseLong(cgroup.getFileName().toString().split("-", -1)[2]);
    return ProcessHandle.of(pid).isEmpty();
  }
}
