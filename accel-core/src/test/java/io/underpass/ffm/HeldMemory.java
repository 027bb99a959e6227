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
import java.nio.ByteBuffer;
import java.time.Duration;

/**
 * A page that is not there yet (userfaultfd(2)): whoever touches it waits until it is released. So
 * a system call that copies to it stops in the middle, with the locks that it holds.
 */
public final class HeldMemory implements AutoCloseable {
  private static final long SYS_USERFAULTFD =
      System.getProperty("os.arch").equals("aarch64") ? 282 : 323;
  private static final int O_NONBLOCK = 0x800;

  /** {@code _IOWR(0xAA, 0x3F, struct uffdio_api)}: u64 api, features, ioctls. */
  private static final long UFFDIO_API = 0xC018AA3FL;

  /** {@code _IOWR(0xAA, 0x00, struct uffdio_register)}: u64 start, length, mode, ioctls. */
  private static final long UFFDIO_REGISTER = 0xC020AA00L;

  private static final long UFFD_API = 0xAA;
  private static final long MODE_MISSING = 1;
  private static final int PROT_READ_WRITE = 3;
  private static final int MAP_PRIVATE_ANONYMOUS = 0x22;

  private static final SymbolLookup LIBC = Symbols.LINKER.defaultLookup();
  private static final MethodHandle SYSCALL =
      Symbols.withErrno(
          LIBC,
          "syscall",
          FunctionDescriptor.of(JAVA_LONG, JAVA_LONG, JAVA_INT),
          Linker.Option.firstVariadicArg(1));
  private static final MethodHandle IOCTL =
      Symbols.withErrno(
          LIBC,
          "ioctl",
          Symbols.intOf(JAVA_INT, JAVA_LONG, ADDRESS),
          Linker.Option.firstVariadicArg(2));
  private static final MethodHandle MMAP =
      Symbols.withErrno(
          LIBC,
          "mmap",
          Symbols.pointerOf(ADDRESS, JAVA_LONG, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_LONG));
  private static final MethodHandle MUNMAP =
      Symbols.withErrno(LIBC, "munmap", Symbols.intOf(ADDRESS, JAVA_LONG));

  private final Arena arena = Arena.ofShared();
  private final MemorySegment capture = arena.allocate(Symbols.CAPTURE);
  private final long size = LibC.pageSize();
  private final int faults;
  private final MemorySegment page;
  private boolean released;

  public HeldMemory() throws NativeException {
    try {
      long fd = (long) SYSCALL.invokeExact(capture, SYS_USERFAULTFD, LibC.O_CLOEXEC | O_NONBLOCK);
      faults = (int) check("userfaultfd", fd);
      ioctl(UFFDIO_API, UFFD_API, 0, 0);
      MemorySegment mapped =
          (MemorySegment)
              MMAP.invokeExact(
                  capture,
                  MemorySegment.NULL,
                  size,
                  PROT_READ_WRITE,
                  MAP_PRIVATE_ANONYMOUS,
                  -1,
                  0L);
      check("mmap", mapped.address());
      page = Symbols.bytes(mapped, size);
      ioctl(UFFDIO_REGISTER, page.address(), size, MODE_MISSING);
    } catch (NativeException e) {
      throw e;
    } catch (Throwable t) {
      throw Symbols.unexpected(t);
    }
  }

  private long check(String call, long result) throws NativeException {
    if (result == -1) {
      throw new NativeException(call, Symbols.errno(capture));
    }
    return result;
  }

  private void ioctl(long request, long... words) throws Throwable {
    MemorySegment argument = arena.allocate(JAVA_LONG, 4);
    for (int i = 0; i < words.length; i++) {
      argument.setAtIndex(JAVA_LONG, i, words[i]);
    }
    check("ioctl of userfaultfd", (int) IOCTL.invokeExact(capture, faults, request, argument));
  }

  /** The page; not to be touched by a thread that is to release it. */
  public ByteBuffer buffer() {
    return page.asByteBuffer();
  }

  /** Until somebody waits for it. */
  public void awaitAccess(Duration patience) throws NativeException {
    if (LibC.pollReadable(patience.toNanos(), faults) == 0) {
      throw new AssertionError("nobody touches the page");
    }
  }

  /** From now on it is memory like any other, which wakes who waits for it. */
  public void release() {
    if (!released) {
      released = true;
      LibC.close(faults);
    }
  }

  /** Nobody may use the buffer any more. */
  @Override
  public void close() {
    release();
    try {
      int _ = (int) MUNMAP.invokeExact(capture, page, size);
    } catch (Throwable t) {
      throw Symbols.unexpected(t);
    }
    arena.close();
  }
}
