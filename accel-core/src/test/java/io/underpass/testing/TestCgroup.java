package io.underpass.testing;

import java.io.IOException;
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

  /** When its last process has ended. */
  @Override
  public void close() throws IOException {
    Files.delete(path);
  }

  /** Where the hierarchy is mounted. */
  public static Path mount() throws IOException {
    for (String line : Files.readAllLines(Path.of("/proc/self/mounts"))) {
      String[] fields = line.split(" ", -1);
      if (fields[2].equals("cgroup2")) {
        return Path.of(fields[1]);
      }
    }
    throw new IOException("no cgroup v2");
  }

  /** Those of a test that was killed, with those below them first. */
  private static void removeOrphans() throws IOException {
    List<Path> left;
    try (var files = Files.walk(mount(), 2)) {
      left = files.filter(Files::isDirectory).filter(TestCgroup::isOrphan).toList();
    }
    for (Path cgroup : left.reversed()) {
      Files.delete(cgroup);
    }
  }

  private static boolean isOrphan(Path cgroup) {
    for (Path name : cgroup) {
      if (name.toString().startsWith(PREFIX)) {
        long pid = Long.parseLong(name.toString().split("-", -1)[2]);
        return ProcessHandle.of(pid).isEmpty();
      }
    }
    return false;
  }
}
