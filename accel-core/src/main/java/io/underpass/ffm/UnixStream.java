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
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;

/**
 * Takes bytes off a unix stream socket, and never a descriptor that was sent along with them. The
 * last close of a descriptor may wait for as long as its sender likes (a TCP socket that lingers),
 * and a read without room for it closes it in the reader's own thread.
 *
 * <p>Since Linux 6.16 a listener can have senders refused ({@link #refuseDescriptors}). Before, a
 * look that takes nothing ({@code MSG_PEEK}) drops copies alone, and says whether there are any; so
 * each read takes only what such a look has found to be bytes.
 */
public final class UnixStream {
  /** The other end has closed, and all is read. */
  public static final int END = -1;

  /** Descriptors are next in the queue; they are still there. */
  public static final int DESCRIPTORS = -2;

  /** Of asm-generic/socket.h. */
  private static final int SOL_SOCKET = 1;

  private static final int SO_OOBINLINE = 10;
  private static final int SO_PASSRIGHTS = 83;

  private static final int MSG_PEEK = 0x2;
  private static final int MSG_CTRUNC = 0x8;
  private static final int MSG_DONTWAIT = 0x40;
  private static final int SHUT_RDWR = 2;
  private static final int F_DUPFD_CLOEXEC = 1030;

  /** {@code struct msghdr} of a 64-bit machine: its size, and where iov, iovlen and flags are. */
  private static final long MSGHDR = 56;

  private static final long MSG_IOV = 16;
  private static final long MSG_IOVLEN = 24;
  private static final long MSG_FLAGS = 48;

  /** {@code struct iovec}: base, length. */
  private static final long IOVEC = 16;

  /** What is unread at the end is thrown away in pieces of this size, ... */
  private static final int PIECE = 16 << 10;

  /** ... and no more of them: more than a sender's buffer holds (twice wmem_max, 416 KB). */
  private static final int MAX_PIECES = 64;

  private static final SymbolLookup LIBC = Symbols.LINKER.defaultLookup();
  private static final MethodHandle SETSOCKOPT =
      Symbols.withErrno(
          LIBC, "setsockopt", Symbols.intOf(JAVA_INT, JAVA_INT, JAVA_INT, ADDRESS, JAVA_INT));
  private static final MethodHandle RECVMSG =
      Symbols.withErrno(
          LIBC, "recvmsg", FunctionDescriptor.of(JAVA_LONG, JAVA_INT, ADDRESS, JAVA_INT));
  private static final MethodHandle SHUTDOWN =
      Symbols.withErrno(LIBC, "shutdown", Symbols.intOf(JAVA_INT, JAVA_INT));
  private static final MethodHandle FCNTL =
      Symbols.withErrno(
          LIBC,
          "fcntl",
          Symbols.intOf(JAVA_INT, JAVA_INT, JAVA_INT),
          Linker.Option.firstVariadicArg(2));

  private UnixStream() {}

  /**
   * Has the kernel refuse descriptors (EPERM) to whoever connects; accepted sockets inherit it. To
   * be called before the socket listens.
   *
   * @return false where the kernel cannot, before 6.16
   */
  public static boolean refuseDescriptors(ServerSocketChannel listener)
      throws NativeException, UnavailableException {
    int result = setInt(PeerCredentials.fd(listener), SO_PASSRIGHTS, 0);
    if (result < 0 && result != -Errno.ENOPROTOOPT) {
      throw new NativeException("setsockopt SO_PASSRIGHTS", -result);
    }
    return result == 0;
  }

  /**
   * Makes an accepted socket one to {@link #read} from. An urgent byte would be skipped by a look,
   * and dropped, with descriptors of its own, by the read after it; in line it is like any other.
   */
  public static void prepare(SocketChannel channel) throws NativeException, UnavailableException {
    int result = setInt(PeerCredentials.fd(channel), SO_OOBINLINE, 1);
    if (result < 0) {
      throw new NativeException("setsockopt SO_OOBINLINE", -result);
    }
  }

  /**
   * Reads what there is, without waiting.
   *
   * @return how many bytes were put; 0 if there are none now; {@link #END} or {@link #DESCRIPTORS}
   */
  public static int read(SocketChannel channel, ByteBuffer into)
      throws NativeException, UnavailableException {
    int fd = PeerCredentials.fd(channel);
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment capture = arena.allocate(Symbols.CAPTURE);
      MemorySegment bytes = arena.allocate(into.remaining());
      int there = peek(fd, bytes, arena, capture);
      if (there <= 0) {
        return there;
      }
      int count = take(fd, bytes, there, capture);
      into.put(bytes.asSlice(0, count).asByteBuffer());
      return count;
    }
  }

  /**
   * Ends both directions, and throws away what is unread: nothing more can come after it.
   *
   * @return false if descriptors are among it: whoever closes the socket drops them
   */
  public static boolean finish(SocketChannel channel) throws NativeException, UnavailableException {
    int fd = PeerCredentials.fd(channel);
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment capture = arena.allocate(Symbols.CAPTURE);
      MemorySegment bytes = arena.allocate(PIECE);
      int _ = (int) SHUTDOWN.invokeExact(capture, fd, SHUT_RDWR); // it may be over already
      for (int i = 0; i < MAX_PIECES; i++) {
        int there = peek(fd, bytes, arena, capture);
        if (there <= 0) {
          return there != DESCRIPTORS;
        }
        take(fd, bytes, there, capture);
      }
      return false;
    } catch (NativeException e) {
      throw e;
    } catch (Throwable t) {
      throw Symbols.unexpected(t);
    }
  }

  /** A second descriptor of the same socket, which {@link #close} closes. */
  public static int duplicate(SocketChannel channel) throws NativeException, UnavailableException {
    int fd = PeerCredentials.fd(channel);
    return Calls.checked(
        "fcntl F_DUPFD_CLOEXEC",
        (_, capture) -> (int) FCNTL.invokeExact(capture, fd, F_DUPFD_CLOEXEC, 0));
  }

  /** May wait, if it is the last of its socket and descriptors are in its queue. */
  public static void close(int fd) {
    LibC.close(fd);
  }

  /** Bytes that can be taken, 0 for none now, {@link #END} or {@link #DESCRIPTORS}. */
  private static int peek(int fd, MemorySegment bytes, Arena arena, MemorySegment capture)
      throws NativeException {
    MemorySegment iovec = arena.allocate(IOVEC, 8);
    iovec.set(ADDRESS, 0, bytes);
    iovec.set(JAVA_LONG, 8, bytes.byteSize());
    MemorySegment message = arena.allocate(MSGHDR, 8);
    message.set(ADDRESS, MSG_IOV, iovec);
    message.set(JAVA_LONG, MSG_IOVLEN, 1);
    long count;
    try {
      count = (long) RECVMSG.invokeExact(capture, fd, message, MSG_PEEK | MSG_DONTWAIT);
    } catch (Throwable t) {
      throw Symbols.unexpected(t);
    }
    if (count < 0) {
      int errno = Symbols.errno(capture);
      if (errno == Errno.EAGAIN || errno == Errno.EINTR) {
        return 0;
      }
      throw new NativeException("recvmsg", errno);
    }
    if ((message.get(JAVA_INT, MSG_FLAGS) & MSG_CTRUNC) != 0) {
      return DESCRIPTORS;
    }
    return count == 0 ? END : (int) count;
  }

  private static int take(int fd, MemorySegment bytes, int there, MemorySegment capture)
      throws NativeException {
    long count = LibC.read(fd, bytes, there, capture);
    if (count < 0) {
      throw new NativeException("read", (int) -count);
    }
    return (int) count;
  }

  private static int setInt(int fd, int option, int value) {
    return (int)
        Calls.orErrno(
            (arena, capture) ->
                (int)
                    SETSOCKOPT.invokeExact(
                        capture, fd, SOL_SOCKET, option, arena.allocateFrom(JAVA_INT, value), 4));
  }
}
