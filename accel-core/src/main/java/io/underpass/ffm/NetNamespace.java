package io.underpass.ffm;

import java.nio.file.Path;

/** A network namespace, held open; work can be done inside it. */
public final class NetNamespace implements AutoCloseable {
  private static final int CLONE_NEWNET = 0x40000000;
  private static final Path OWN = Path.of("/proc/thread-self/ns/net");

  /** Work to do inside a namespace. */
  @FunctionalInterface
  public interface Work<T, E extends Exception> {
    T run() throws E;
  }

  private final int fd;

  private NetNamespace(int fd) {
    this.fd = fd;
  }

  /** The namespace that a process is in; ENOENT if the process has gone. */
  public static NetNamespace ofProcess(long pid) throws NativeException {
    return new NetNamespace(
        LibC.open(Path.of("/proc/" + pid + "/ns/net"), LibC.O_RDONLY | LibC.O_CLOEXEC));
  }

  /**
   * Moves the calling thread into the namespace, does the work, and moves it back. The work must
   * not start threads: they would stay in the namespace. Needs CAP_SYS_ADMIN.
   */
  public <T, E extends Exception> T run(Work<T, E> work) throws NativeException, E {
    if (Thread.currentThread().isVirtual()) {
      // setns(2) moves the carrier, which other virtual threads share.
      throw new IllegalStateException("a platform thread is needed");
    }
    int home = LibC.open(OWN, LibC.O_RDONLY | LibC.O_CLOEXEC);
    try {
      LibC.setns(fd, CLONE_NEWNET);
      try {
        return work.run();
      } finally {
        LibC.setns(home, CLONE_NEWNET);
      }
    } finally {
      LibC.close(home);
    }
  }

  @Override
  public void close() {
    LibC.close(fd);
  }
}
