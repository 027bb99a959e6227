/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.ffm;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;

/** Sockets of kinds that Java does not make, by descriptor; the caller closes them. */
public final class NativeSockets {
  /** Of the network; its addresses can be of IPv4 too. */
  public static final int AF_INET6 = 10;

  public static final int AF_UNIX = 1;
  public static final int IPPROTO_MPTCP = 262;

  private static final int SOCK_STREAM = 1;

  private static final SymbolLookup LIBC = Symbols.LINKER.defaultLookup();
  private static final MethodHandle SOCKET =
      Symbols.withErrno(LIBC, "socket", Symbols.intOf(JAVA_INT, JAVA_INT, JAVA_INT));
  private static final MethodHandle SOCKETPAIR =
      Symbols.withErrno(LIBC, "socketpair", Symbols.intOf(JAVA_INT, JAVA_INT, JAVA_INT, ADDRESS));
  private static final MethodHandle LISTEN =
      Symbols.withErrno(LIBC, "listen", Symbols.intOf(JAVA_INT, JAVA_INT));
  private static final MethodHandle GETSOCKNAME =
      Symbols.withErrno(LIBC, "getsockname", Symbols.intOf(JAVA_INT, ADDRESS, ADDRESS));
  private static final MethodHandle ACCEPT =
      Symbols.withErrno(LIBC, "accept", Symbols.intOf(JAVA_INT, ADDRESS, ADDRESS));

  private NativeSockets() {}

  /** A native call that leaves errno. */
  private interface Call {
    int make(Arena arena, MemorySegment capture) throws Throwable;
  }

  private static int call(String name, Call call) throws NativeException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment capture = arena.allocate(Symbols.CAPTURE);
      int result = call.make(arena, capture);
      if (result < 0) {
        throw new NativeException(name, Symbols.errno(capture));
      }
      return result;
    } catch (NativeException e) {
      throw e;
    } catch (Throwable t) {
      throw Symbols.unexpected(t);
    }
  }

  /** A stream socket of the network, of another protocol than TCP. */
  public static int open(int protocol) throws NativeException {
    return call(
        "socket",
        (arena, capture) -> (int) SOCKET.invokeExact(capture, AF_INET6, SOCK_STREAM, protocol));
  }

  /** Listens at a port of the kernel's choice, which it returns. */
  public static int listen(int fd) throws NativeException {
    call("listen", (arena, capture) -> (int) LISTEN.invokeExact(capture, fd, 5));
    return call(
        "getsockname",
        (arena, capture) -> {
          MemorySegment address = arena.allocate(28, 8);
          MemorySegment length = arena.allocateFrom(JAVA_INT, 28);
          int result = (int) GETSOCKNAME.invokeExact(capture, fd, address, length);
          byte[] port = address.asSlice(2, 2).toArray(JAVA_BYTE);
          return result < 0 ? result : ((port[0] & 0xff) << 8) | (port[1] & 0xff);
        });
  }

  /** The next connection. */
  public static int accept(int fd) throws NativeException {
    return call(
        "accept",
        (arena, capture) ->
            (int) ACCEPT.invokeExact(capture, fd, MemorySegment.NULL, MemorySegment.NULL));
  }

  /** Two sockets of AF_UNIX, connected to each other. */
  public static int[] unixPair() throws NativeException {
    int[] pair = new int[2];
    call(
        "socketpair",
        (arena, capture) -> {
          MemorySegment fds = arena.allocate(JAVA_INT, 2);
          int result = (int) SOCKETPAIR.invokeExact(capture, AF_UNIX, SOCK_STREAM, 0, fds);
          pair[0] = fds.getAtIndex(JAVA_INT, 0);
          pair[1] = fds.getAtIndex(JAVA_INT, 1);
          return result;
        });
    return pair;
  }

  /** Reads at most so many bytes; how many came, 0 at the end. */
  public static long read(int fd, int bytes) throws NativeException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment capture = arena.allocate(Symbols.CAPTURE);
      long result = LibC.read(fd, arena.allocate(bytes), bytes, capture);
      if (result < 0) {
        throw new NativeException("read", (int) -result);
      }
      return result;
    }
  }

  public static void close(int fd) {
    LibC.close(fd);
  }
}
