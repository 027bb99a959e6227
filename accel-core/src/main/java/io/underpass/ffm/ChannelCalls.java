/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.ffm;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.Channel;

/**
 * System calls on the descriptor of a channel that Java has no method for, as a native program
 * would make them. The caller sees to it that the channel stays open meanwhile.
 */
public final class ChannelCalls {
  /** Level of TCP's options (netinet/tcp.h). */
  public static final int SOL_TCP = 6;

  private static final long FIONREAD = 0x541B;

  private static final SymbolLookup LIBC = Symbols.LINKER.defaultLookup();
  private static final MethodHandle IOCTL =
      Symbols.withErrno(
          LIBC,
          "ioctl",
          Symbols.intOf(JAVA_INT, JAVA_LONG, ADDRESS),
          Linker.Option.firstVariadicArg(2));
  private static final MethodHandle GETSOCKOPT =
      Symbols.withErrno(
          LIBC, "getsockopt", Symbols.intOf(JAVA_INT, JAVA_INT, JAVA_INT, ADDRESS, ADDRESS));
  private static final MethodHandle SETSOCKOPT =
      Symbols.withErrno(
          LIBC, "setsockopt", Symbols.intOf(JAVA_INT, JAVA_INT, JAVA_INT, ADDRESS, JAVA_INT));

  private static final MethodHandle CONNECT =
      Symbols.withErrno(LIBC, "connect", Symbols.intOf(JAVA_INT, ADDRESS, JAVA_INT));

  private static final MethodHandle FCHMOD =
      Symbols.withErrno(LIBC, "fchmod", Symbols.intOf(JAVA_INT, JAVA_INT));

  private ChannelCalls() {}

  /** Dissolves a connection, so that the socket can have another one: connect to AF_UNSPEC. */
  public static void disconnect(int fd) throws NativeException {
    connect(fd, new byte[16]);
  }

  /** Connects to a port of 127.0.0.1; Java's sockets are of AF_INET6. */
  public static void connectLoopback(int fd, int port) throws NativeException {
    byte[] address = new byte[28]; // struct sockaddr_in6
    address[0] = 10; // AF_INET6
    address[2] = (byte) (port >> 8);
    address[3] = (byte) port;
    byte[] mapped = {(byte) 0xff, (byte) 0xff, 127, 0, 0, 1};
    System.arraycopy(mapped, 0, address, 18, mapped.length);
    connect(fd, address);
  }

  private static void connect(int fd, byte[] address) throws NativeException {
    Calls.checked(
        "connect",
        (arena, capture) ->
            (int) CONNECT.invokeExact(capture, fd, copy(address, arena), address.length));
  }

  /** The descriptor of a channel of the network. */
  public static int descriptor(Channel channel) throws UnavailableException {
    return PeerCredentials.fd(channel);
  }

  /** The mode of a socket; bind(2) gives it, less the umask, to the file that it makes. */
  public static void setMode(int fd, int mode) throws NativeException {
    Calls.checked("fchmod", (_, capture) -> (int) FCHMOD.invokeExact(capture, fd, mode));
  }

  /** What {@code ioctl(FIONREAD)} says: how many bytes can be read at once. */
  public static int fionread(int fd) throws NativeException {
    return Calls.checked(
        "ioctl FIONREAD",
        (arena, capture) -> {
          MemorySegment value = arena.allocate(JAVA_INT);
          int result = (int) IOCTL.invokeExact(capture, fd, FIONREAD, value);
          return result < 0 ? result : value.get(JAVA_INT, 0);
        });
  }

  /** The value of an option that is an int. */
  public static int getOption(int fd, int level, int option) throws NativeException {
    return getOption(fd, level, option, Integer.BYTES).getInt(0);
  }

  /** The value of an option that is a struct; zeros where the kernel's is shorter. */
  public static ByteBuffer getOption(int fd, int level, int option, int bytes)
      throws NativeException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment capture = arena.allocate(Symbols.CAPTURE);
      MemorySegment value = arena.allocate(bytes, 8);
      MemorySegment length = arena.allocateFrom(JAVA_INT, bytes);
      if ((int) GETSOCKOPT.invokeExact(capture, fd, level, option, value, length) < 0) {
        throw new NativeException("getsockopt " + level + " " + option, Symbols.errno(capture));
      }
      return ByteBuffer.wrap(value.toArray(JAVA_BYTE)).order(ByteOrder.LITTLE_ENDIAN);
    } catch (NativeException e) {
      throw e;
    } catch (Throwable t) {
      throw Symbols.unexpected(t);
    }
  }

  /** Sets an option; 0 or {@code -errno}. */
  public static int setOption(int fd, int level, int option, byte[] value) {
    return (int)
        Calls.orErrno(
            (arena, capture) ->
                (int)
                    SETSOCKOPT.invokeExact(
                        capture, fd, level, option, copy(value, arena), value.length));
  }

  private static MemorySegment copy(byte[] bytes, Arena arena) {
    MemorySegment copy = arena.allocate(bytes.length, 8);
    MemorySegment.copy(MemorySegment.ofArray(bytes), 0, copy, 0, bytes.length);
    return copy;
  }

  /** Writes zeros; how many were taken, or {@code -errno}. */
  public static long write(int fd, int bytes) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment capture = arena.allocate(Symbols.CAPTURE);
      return LibC.write(fd, arena.allocate(bytes), bytes, capture);
    }
  }
}
