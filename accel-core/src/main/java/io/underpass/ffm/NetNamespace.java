/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.ffm;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;

/** A network namespace, held open; work can be done inside it. */
public final class NetNamespace implements AutoCloseable {
  private static final int CLONE_NEWNET = 0x40000000;
  private static final Path OWN = Path.of("/proc/thread-self/ns/net");

  /** The same numbers on x86-64 and arm64. Linux 5.3 and 5.6. */
  private static final long PIDFD_OPEN = 434;

  private static final long PIDFD_GETFD = 438;

  /** The namespace of a socket; include/uapi/linux/sockios.h. */
  private static final long SIOCGSKNS = 0x894C;

  /** Work to do inside a namespace. */
  @FunctionalInterface
  public interface Work<T, E extends Exception> {
    T run() throws E;
  }

  private final int fd;

  private NetNamespace(int fd) {
    this.fd = fd;
  }

  /** The one that the calling thread is in. */
  public static NetNamespace own() throws NativeException {
    return new NetNamespace(LibC.open(OWN, LibC.O_RDONLY | LibC.O_CLOEXEC));
  }

  /** The namespace that a process is in; ENOENT if the process has gone. */
  public static NetNamespace ofProcess(long pid) throws NativeException {
    return new NetNamespace(
        LibC.open(Path.of("/proc/" + pid + "/ns/net"), LibC.O_RDONLY | LibC.O_CLOEXEC));
  }

  /**
   * The namespace that a socket of a process was made in, where the process itself may never have
   * been. ENOTTY if the descriptor is no socket, EBADF or ESRCH if it has gone. Needs the right to
   * trace the process, and CAP_NET_ADMIN in that namespace.
   */
  public static NetNamespace ofSocket(int pid, int descriptor) throws NativeException {
    int process = LibC.syscall("pidfd_open", PIDFD_OPEN, pid, 0, 0);
    try {
      int socket = LibC.syscall("pidfd_getfd", PIDFD_GETFD, process, descriptor, 0);
      try {
        return new NetNamespace(LibC.ioctl("ioctl SIOCGSKNS", socket, SIOCGSKNS));
      } finally {
        LibC.close(socket);
      }
    } finally {
      LibC.close(process);
    }
  }

  /** The number by which the kernel tells it from others: the inode of its file. */
  public int number() {
    try {
      return NamespaceNumber.of(Path.of("/proc/self/fd/" + fd));
    } catch (IOException e) {
      throw new UncheckedIOException(e); // our own descriptor is open
    }
  }

  /** Whether this process has the right to enter it. */
  public boolean mayBeEntered() throws NativeException {
    try {
      return run(() -> true);
    } catch (NativeException e) {
      if (e.errno() == Errno.EPERM) {
        return false;
      }
      throw e;
    }
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
