/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.ffm;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.reflect.InaccessibleObjectException;
import java.lang.reflect.Method;
import java.nio.channels.Channel;
import java.nio.channels.SocketChannel;
import java.util.Arrays;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Who is at the other end of a unix socket: what the kernel noted when that process called connect.
 *
 * @param pid of the process, in this process's pid namespace; 0 if it is not visible from here
 * @param unixGroups the supplementary groups, by SO_PEERGROUPS (4.13)
 * @param pidfd refers to the process even after its pid is used again (SO_PEERPIDFD, 6.5); -1 where
 *     the kernel has none to give
 */
public record PeerCredentials(int pid, int uid, int gid, Set<Integer> unixGroups, int pidfd)
    implements AutoCloseable {
  /** asm-generic/socket.h. */
  private static final int SO_PEERCRED = 17;

  private static final int SO_PEERGROUPS = 59;
  private static final int SO_PEERPIDFD = 77;

  /** NGROUPS_MAX in linux/limits.h. */
  private static final int MAX_GROUPS = 65536;

  private static final String FLAG = "--add-opens=java.base/sun.nio.ch=ALL-UNNAMED";

  /** Lazily found, by whichever thread is first; finding it twice does no harm. */
  private static volatile Method fdOfChannel;

  /** Throws if the descriptor of a channel cannot be had in this JVM. */
  public static void ensureAvailable() throws UnavailableException {
    Method _ = fdOfChannel();
  }

  public static PeerCredentials of(SocketChannel channel)
      throws NativeException, UnavailableException {
    int fd = fd(channel);
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment capture = arena.allocate(Symbols.CAPTURE);
      // struct ucred { pid; uid; gid; }
      MemorySegment ucred = arena.allocate(12, 4);
      check(option(fd, SO_PEERCRED, ucred, arena, capture), "getsockopt SO_PEERCRED");
      Set<Integer> groups = groups(fd, arena, capture);
      MemorySegment pidfd = arena.allocateFrom(JAVA_INT, -1);
      int result = option(fd, SO_PEERPIDFD, pidfd, arena, capture);
      if (result < 0 && result != -Errno.ENOPROTOOPT) {
        // Every other error says that the process has gone (ESRCH, EINVAL, ENODATA).
        throw new NativeException("getsockopt SO_PEERPIDFD", -result);
      }
      return new PeerCredentials(
          ucred.get(JAVA_INT, 0),
          ucred.get(JAVA_INT, 4),
          ucred.get(JAVA_INT, 8),
          groups,
          pidfd.get(JAVA_INT, 0));
    }
  }

  /** True if the process is known to have ended; false if it runs, or the kernel cannot tell. */
  public boolean exited() throws NativeException {
    return pidfd >= 0 && LibC.pollReadable(0, pidfd) != 0;
  }

  private static Set<Integer> groups(int fd, Arena arena, MemorySegment capture)
      throws NativeException {
    MemorySegment length = arena.allocate(JAVA_INT);
    // Asked with no room, the kernel answers ERANGE and the size; 0 if there is nothing to tell.
    int result = LibC.getsockopt(fd, SO_PEERGROUPS, length, length, capture);
    if (result == 0) {
      return Set.of();
    }
    if (result == -Errno.ERANGE && length.get(JAVA_INT, 0) <= MAX_GROUPS * Integer.BYTES) {
      MemorySegment list = arena.allocate(length.get(JAVA_INT, 0), 4);
      result = LibC.getsockopt(fd, SO_PEERGROUPS, list, length, capture);
      if (result == 0) {
        return Arrays.stream(list.asSlice(0, length.get(JAVA_INT, 0)).toArray(JAVA_INT))
            .boxed()
            .collect(Collectors.toUnmodifiableSet());
      }
    }
    throw new NativeException("getsockopt SO_PEERGROUPS", -result);
  }

  private static int option(
      int fd, int option, MemorySegment value, Arena arena, MemorySegment capture) {
    MemorySegment length = arena.allocateFrom(JAVA_INT, (int) value.byteSize());
    return LibC.getsockopt(fd, option, value, length, capture);
  }

  private static void check(int result, String call) throws NativeException {
    if (result < 0) {
      throw new NativeException(call, -result);
    }
  }

  static int fd(Channel channel) throws UnavailableException {
    try {
      return (int) fdOfChannel().invoke(channel);
    } catch (ReflectiveOperationException e) {
      throw new UnavailableException("cannot get the descriptor of a channel: " + e, remedy());
    }
  }

  private static Method fdOfChannel() throws UnavailableException {
    if (fdOfChannel == null) {
      try {
        Method method = Class.forName("sun.nio.ch.SelChImpl").getMethod("getFDVal");
        method.setAccessible(true);
        fdOfChannel = method;
      } catch (InaccessibleObjectException | ReflectiveOperationException e) {
        throw new UnavailableException(
            "the JVM does not let the helper see who connects (sun.nio.ch is closed)", remedy());
      }
    }
    return fdOfChannel;
  }

  private static String remedy() {
    return "start the JVM with " + FLAG;
  }

  @Override
  public void close() {
    if (pidfd >= 0) {
      LibC.close(pidfd);
    }
  }
}
