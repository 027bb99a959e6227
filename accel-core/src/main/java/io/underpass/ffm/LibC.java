/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.ffm;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.nio.file.Path;

/** The libc calls for which Java has no counterpart. */
final class LibC {
  static final int O_RDONLY = 0;
  static final int O_DIRECTORY =
      // Differs between the two machines Debian's libbpf1 is commonly used on.
      System.getProperty("os.arch").equals("aarch64") ? 0x4000 : 0x10000;
  static final int O_CLOEXEC = 0x80000;
  static final int EFD_CLOEXEC = 0x80000;
  static final short POLLIN = 1;
  private static final int LOCK_EX = 2;
  private static final int LOCK_NB = 4;

  private static final SymbolLookup LIBC = Symbols.LINKER.defaultLookup();
  private static final MethodHandle STRERROR =
      Symbols.plain(LIBC, "strerror", Symbols.pointerOf(JAVA_INT));
  private static final MethodHandle OPEN =
      Symbols.withErrno(
          LIBC, "open", Symbols.intOf(ADDRESS, JAVA_INT), Linker.Option.firstVariadicArg(2));
  private static final MethodHandle OPEN_BY_HANDLE =
      Symbols.withErrno(LIBC, "open_by_handle_at", Symbols.intOf(JAVA_INT, ADDRESS, JAVA_INT));
  private static final MethodHandle CLOSE = Symbols.plain(LIBC, "close", Symbols.intOf(JAVA_INT));
  private static final FunctionDescriptor IO =
      FunctionDescriptor.of(JAVA_LONG, JAVA_INT, ADDRESS, JAVA_LONG);
  private static final MethodHandle READ = Symbols.withErrno(LIBC, "read", IO);
  private static final MethodHandle WRITE = Symbols.withErrno(LIBC, "write", IO);
  private static final MethodHandle GETSOCKOPT =
      Symbols.withErrno(
          LIBC, "getsockopt", Symbols.intOf(JAVA_INT, JAVA_INT, JAVA_INT, ADDRESS, ADDRESS));
  private static final MethodHandle SETNS =
      Symbols.withErrno(LIBC, "setns", Symbols.intOf(JAVA_INT, JAVA_INT));
  private static final MethodHandle MOUNT =
      Symbols.withErrno(
          LIBC, "mount", Symbols.intOf(ADDRESS, ADDRESS, ADDRESS, JAVA_LONG, ADDRESS));
  private static final MethodHandle SYSCALL =
      Symbols.withErrno(
          LIBC,
          "syscall",
          FunctionDescriptor.of(JAVA_LONG, JAVA_LONG, JAVA_INT, JAVA_INT, JAVA_INT),
          Linker.Option.firstVariadicArg(1));
  private static final MethodHandle IOCTL =
      Symbols.withErrno(
          LIBC, "ioctl", Symbols.intOf(JAVA_INT, JAVA_LONG), Linker.Option.firstVariadicArg(2));
  private static final MethodHandle SOCKET =
      Symbols.withErrno(LIBC, "socket", Symbols.intOf(JAVA_INT, JAVA_INT, JAVA_INT));
  private static final MethodHandle EVENTFD =
      Symbols.withErrno(LIBC, "eventfd", Symbols.intOf(JAVA_INT, JAVA_INT));
  private static final MethodHandle PPOLL =
      Symbols.withErrno(LIBC, "ppoll", Symbols.intOf(ADDRESS, JAVA_LONG, ADDRESS, ADDRESS));

  private static final MethodHandle FLOCK =
      Symbols.withErrno(LIBC, "flock", Symbols.intOf(JAVA_INT, JAVA_INT));
  private static final MethodHandle GETPAGESIZE =
      Symbols.plain(LIBC, "getpagesize", Symbols.intOf());

  private LibC() {}

  static int pageSize() {
    return Calls.plain(() -> (int) GETPAGESIZE.invokeExact());
  }

  static String strerror(int errno) {
    try {
      return Symbols.string((MemorySegment) STRERROR.invokeExact(errno));
    } catch (Throwable t) {
      throw Symbols.unexpected(t);
    }
  }

  static int open(Path path, int flags) throws NativeException {
    return Calls.checked(
        "open " + path,
        (arena, capture) ->
            (int) OPEN.invokeExact(capture, arena.allocateFrom(path.toString()), flags));
  }

  /**
   * @param mount a descriptor of any file of the file system
   * @param handle a {@code struct file_handle}
   */
  static int openByHandle(int mount, MemorySegment handle, int flags) throws NativeException {
    return Calls.checked(
        "open_by_handle_at",
        (_, capture) -> (int) OPEN_BY_HANDLE.invokeExact(capture, mount, handle, flags));
  }

  /** Linux has freed the descriptor whatever close(2) returns, so there is nothing to report. */
  static void close(int fd) {
    try {
      int _ = (int) CLOSE.invokeExact(fd);
    } catch (Throwable t) {
      throw Symbols.unexpected(t);
    }
  }

  /** Bytes read, 0 at the end, or {@code -errno}. */
  static long read(int fd, MemorySegment into, long bytes, MemorySegment capture) {
    try {
      long n = (long) READ.invokeExact(capture, fd, into, bytes);
      return n >= 0 ? n : -Symbols.errno(capture);
    } catch (Throwable t) {
      throw Symbols.unexpected(t);
    }
  }

  /** Bytes written, or {@code -errno}. */
  static long write(int fd, MemorySegment from, long bytes, MemorySegment capture) {
    try {
      long n = (long) WRITE.invokeExact(capture, fd, from, bytes);
      return n >= 0 ? n : -Symbols.errno(capture);
    } catch (Throwable t) {
      throw Symbols.unexpected(t);
    }
  }

  /** 0 or {@code -errno}; {@code length} is read and written, as in getsockopt(2). */
  static int getsockopt(
      int fd, int option, MemorySegment value, MemorySegment length, MemorySegment capture) {
    try {
      int r = (int) GETSOCKOPT.invokeExact(capture, fd, 1 /* SOL_SOCKET */, option, value, length);
      return r == 0 ? 0 : -Symbols.errno(capture);
    } catch (Throwable t) {
      throw Symbols.unexpected(t);
    }
  }

  /** A system call that libc may have no function for, which returns a descriptor. */
  static int syscall(String name, long number, int first, int second, int third)
      throws NativeException {
    return Calls.checked(
        name, (_, capture) -> (long) SYSCALL.invokeExact(capture, number, first, second, third));
  }

  /** A request without an argument, which returns a descriptor. */
  static int ioctl(String name, int fd, long request) throws NativeException {
    return Calls.checked(name, (_, capture) -> (int) IOCTL.invokeExact(capture, fd, request));
  }

  static void setns(int fd, int kind) throws NativeException {
    Calls.checked("setns", (_, capture) -> (int) SETNS.invokeExact(capture, fd, kind));
  }

  static void mount(String source, Path target, String type, long flags, String options)
      throws NativeException {
    Calls.checked(
        "mount " + target,
        (arena, capture) ->
            (int)
                MOUNT.invokeExact(
                    capture,
                    arena.allocateFrom(source),
                    arena.allocateFrom(target.toString()),
                    arena.allocateFrom(type),
                    flags,
                    arena.allocateFrom(options)));
  }

  static int socket(int domain, int type, int protocol) throws NativeException {
    return Calls.checked(
        "socket", (_, capture) -> (int) SOCKET.invokeExact(capture, domain, type, protocol));
  }

  static int eventfd() throws NativeException {
    return Calls.checked(
        "eventfd", (_, capture) -> (int) EVENTFD.invokeExact(capture, 0, EFD_CLOEXEC));
  }

  /** Takes the lock of an open file, or throws EAGAIN if another open file has it. */
  static void flock(int fd) throws NativeException {
    Calls.checked("flock", (_, capture) -> (int) FLOCK.invokeExact(capture, fd, LOCK_EX | LOCK_NB));
  }

  /**
   * Waits until one of the descriptors is readable; returns a bit for each that is.
   *
   * @param timeoutNanos 0 to ask only, -1 to wait for ever
   */
  static int pollReadable(long timeoutNanos, int... fds) throws NativeException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment capture = arena.allocate(Symbols.CAPTURE);
      // struct pollfd { int fd; short events; short revents; }
      MemorySegment set = arena.allocate(8L * fds.length, 4);
      for (int i = 0; i < fds.length; i++) {
        set.set(JAVA_INT, 8L * i, fds[i]);
        set.set(JAVA_INT, 8L * i + 4, POLLIN);
      }
      MemorySegment timeout = MemorySegment.NULL;
      if (timeoutNanos >= 0) {
        timeout = arena.allocate(16, 8); // struct timespec { long seconds; long nanoseconds; }
        timeout.set(JAVA_LONG, 0, timeoutNanos / 1_000_000_000);
        timeout.set(JAVA_LONG, 8, timeoutNanos % 1_000_000_000);
      }
      int r = (int) PPOLL.invokeExact(capture, set, (long) fds.length, timeout, MemorySegment.NULL);
      if (r < 0 && Symbols.errno(capture) != Errno.EINTR) {
        throw new NativeException("ppoll", Symbols.errno(capture));
      }
      int ready = 0;
      for (int i = 0; r > 0 && i < fds.length; i++) {
        if ((set.get(JAVA_INT, 8L * i + 4) >>> 16) != 0) {
          ready |= 1 << i;
        }
      }
      return ready;
    } catch (NativeException e) {
      throw e;
    } catch (Throwable t) {
      throw Symbols.unexpected(t);
    }
  }
}
