/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.bpf;

import io.underpass.testing.TestCgroup;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * A cgroup with a limit of memory, in the hierarchy that has the controller.
 *
 * <p>On cgroup v1 that is {@code memory.kmem.tcp}, which is charged exactly, and counts sockets
 * that are made after it is set. On v2 it is all the cgroup's memory, the JVM's own too: so it is
 * set when that is known, and lifted before the JVM goes on.
 */
abstract class MemoryCgroup implements AutoCloseable {
  private static final Path V1 = Path.of("/sys/fs/cgroup/memory");

  final Path path;

  private MemoryCgroup(Path hierarchy) throws IOException {
    path =
        Files.createDirectory(hierarchy.resolve("underpass-test-" + ProcessHandle.current().pid()));
  }

  static MemoryCgroup create() throws IOException {
    return Files.exists(V1.resolve("memory.limit_in_bytes")) ? new First() : new Second();
  }

  /** A command in front of another, which then runs here from its start. */
  List<String> prefix() {
    return List.of("sh", "-c", "echo $$ > " + path.resolve("cgroup.procs") + "; exec \"$@\"", "sh");
  }

  /** Sees to it that there is a limit; so many bytes more than are held now. */
  abstract long limit() throws IOException;

  /** Whether as much was held as is ever let be held by redirects. */
  abstract boolean wasMet() throws IOException;

  abstract void lift() throws IOException;

  final long read(String file) throws IOException {
    return Long.parseLong(Files.readString(path.resolve(file)).strip());
  }

  final void write(String file, String value) throws IOException {
    Files.writeString(path.resolve(file), value);
  }

  @Override
  public void close() throws IOException {
    Files.delete(path);
  }

  private static final class First extends MemoryCgroup {
    private static final long LIMIT = 3 << 20;

    /** What other processors take in advance. */
    private static final long SLACK = 256 << 10;

    First() throws IOException {
      super(V1);
      write("memory.kmem.tcp.limit_in_bytes", Long.toString(LIMIT));
    }

    @Override
    long limit() {
      return LIMIT;
    }

    @Override
    boolean wasMet() throws IOException {
      return read("memory.kmem.tcp.max_usage_in_bytes") > LIMIT - SLACK;
    }

    @Override
    void lift() {
      // It is met by sockets alone, which their reader empties.
    }
  }

  private static final class Second extends MemoryCgroup {
    /** With 3 MB the JVM had no room for itself. */
    private static final long LIMIT = 6 << 20;

    /** What the verdict leaves (ROOM_PAGES), and what other processors take in advance. */
    private static final long SLACK = 1280 << 10;

    private long most;

    Second() throws IOException {
      super(TestCgroup.mount());
    }

    @Override
    long limit() throws IOException {
      most = read("memory.current") + LIMIT;
      write("memory.max", Long.toString(most));
      return LIMIT;
    }

    @Override
    boolean wasMet() throws IOException {
      return read("memory.peak") > most - SLACK;
    }

    @Override
    void lift() throws IOException {
      write("memory.max", "max");
    }
  }
}
