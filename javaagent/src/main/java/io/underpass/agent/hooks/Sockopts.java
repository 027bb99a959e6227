/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.agent.hooks;

import io.underpass.agent.jdk.JavaBase;
import io.underpass.protocol.SocketOptions;
import java.io.FileDescriptor;
import java.io.IOException;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.net.SocketOption;
import java.net.StandardSocketOptions;

/**
 * The socket options by which a JVM asks the kernel about its own sockets, and tells it; answered
 * by cgroup programs of the helper, whether or not the helper runs.
 *
 * <p>{@code sun.nio.ch.Net} passes any level through, so this needs neither native code of its own
 * nor a flag. Where nobody answers, each call costs an exception: a socket that has had a few in a
 * row is left alone until it is asked for again.
 */
public final class Sockopts {
  static final String NET = "sun.nio.ch.Net";

  /** Where the helper's programs answer. */
  public static final int LEVEL = SocketOptions.LEVEL;

  private static final int SOL_SOCKET = 1;
  private static final int SO_ERROR = 4;
  private static final int IPPROTO_TCP = 6;
  private static final int TCP_WINDOW_CLAMP = 10;
  private static final int TCP_INFO = 11;
  private static final int TCP_CLOSE = 7;

  /** More than any receive buffer, and it still fits where the kernel compares signed numbers. */
  private static final int NO_CLAMP = 1 << 30;

  /** Answer of {@link #behind}: the reader has read all that was redirected. */
  static final int READER_WAITS = SocketOptions.READER_WAITS;

  private final int level;
  private final MethodHandle get;
  private final MethodHandle set;
  private final MethodHandle setByName;

  private Sockopts(int level, MethodHandle get, MethodHandle set, MethodHandle setByName) {
    this.level = level;
    this.get = get;
    this.set = set;
    this.setByName = setByName;
  }

  /** Looks the calls up. */
  public static Sockopts open() throws ReflectiveOperationException {
    return open(LEVEL);
  }

  /** For a level at which the kernel itself answers; tests have no helper. */
  static Sockopts open(int level) throws ReflectiveOperationException {
    MethodHandles.Lookup lookup = JavaBase.lookup(NET);
    Class<?> net = lookup.lookupClass();
    Class<FileDescriptor> fd = FileDescriptor.class;
    return new Sockopts(
        level,
        lookup.findStatic(
            net,
            "getIntOption0",
            MethodType.methodType(int.class, fd, boolean.class, int.class, int.class)),
        lookup.findStatic(
            net,
            "setIntOption0",
            MethodType.methodType(
                void.class, fd, boolean.class, int.class, int.class, int.class, boolean.class)),
        lookup.findStatic(
            net,
            "setSocketOption",
            MethodType.methodType(void.class, fd, SocketOption.class, Object.class)));
  }

  /**
   * Bytes that can be read at once from both queues; -1 if the kernel's part does not know the
   * socket, or nobody answers.
   *
   * @param socket what is known of it; null if nothing is
   */
  int available(FileDescriptor fd, SocketRecord socket) throws Throwable {
    return get(fd, SocketOptions.AVAILABLE, socket);
  }

  /** Whether the kernel has this socket enrolled; false if nobody answers. */
  boolean isEnrolled(FileDescriptor fd) throws Throwable {
    return get(fd, SocketOptions.ENROLLED, null) >= 0;
  }

  /**
   * Bytes in the psock queue; 0 or less if there are none, or nobody answers.
   *
   * @param socket as above
   */
  int unread(FileDescriptor fd, SocketRecord socket) throws Throwable {
    return get(fd, SocketOptions.UNREAD, socket);
  }

  /**
   * Bytes that the other end has yet to read, where the writer of much had better wait for it; 0
   * where not; {@link #READER_WAITS}; -1 if the socket is not accelerated, or nobody answers.
   */
  int behind(FileDescriptor fd) throws Throwable {
    return get(fd, SocketOptions.BEHIND, null);
  }

  /** This socket sends by TCP from now on. */
  void pinTcp(FileDescriptor fd) throws Throwable {
    // Never left out: urgent data is rare, and a redirect would corrupt the stream.
    try {
      set.invokeExact(fd, false, level, SocketOptions.PIN_TCP, 1, false);
    } catch (IOException e) {
      // Nobody answers: then nobody redirects either.
    }
  }

  /**
   * This socket may be accelerated from now on; and once it may: it is tended, see {@link Tends}.
   *
   * @return false if nobody answers: this JVM is not registered, or the registration does not reach
   *     the cgroup that the socket was made in; or the socket was closed meanwhile
   */
  boolean join(FileDescriptor fd) throws Throwable {
    try {
      set.invokeExact(fd, false, level, SocketOptions.ACCELERATE, 1, false);
      return true;
    } catch (IOException e) {
      return false;
    }
  }

  /**
   * Its window is as large as its receive buffer allows. A clamp beyond that is none: the kernel
   * takes the smaller of both ({@code __tcp_select_window}, {@code tcp_grow_window}), and sets it
   * itself whenever it tunes the buffer.
   */
  void openWindow(FileDescriptor fd) throws Throwable {
    try {
      set.invokeExact(fd, false, IPPROTO_TCP, TCP_WINDOW_CLAMP, NO_CLAMP, false);
    } catch (IOException e) {
      // It is being closed.
    }
  }

  /** What closes this socket next sends a reset. */
  void lingerZero(FileDescriptor fd) throws Throwable {
    try {
      setByName.invokeExact(fd, (SocketOption<?>) StandardSocketOptions.SO_LINGER, (Object) 0);
    } catch (IOException e) {
      // The other end has gone already.
    }
  }

  /**
   * Takes the socket's pending error, which the kernel then tells to nobody else.
   *
   * @return its number; 0 if there is none
   */
  int takeError(FileDescriptor fd) throws Throwable {
    try {
      return (int) get.invokeExact(fd, false, SOL_SOCKET, SO_ERROR);
    } catch (IOException e) {
      return 0; // it is being closed, or no socket
    }
  }

  /** Was the connection ended by a reset of which the kernel may have told nobody? */
  boolean wasReset(FileDescriptor fd, SocketRecord socket) throws Throwable {
    return get(fd, SocketOptions.RESET, socket) == 1;
  }

  /** Has the connection ended, by both FINs or by a reset? */
  boolean hasEnded(FileDescriptor fd) throws Throwable {
    try {
      // As much as fits into an int; the first byte is tcpi_state.
      int info = (int) get.invokeExact(fd, false, IPPROTO_TCP, TCP_INFO);
      return (info & 0xff) == TCP_CLOSE;
    } catch (IOException e) {
      return true; // It is being closed.
    }
  }

  private int get(FileDescriptor fd, int option, SocketRecord socket) throws Throwable {
    if (socket != null && socket.isMute()) {
      return -1;
    }
    try {
      int value = (int) get.invokeExact(fd, false, level, option);
      if (socket != null) {
        socket.answered();
      }
      return value;
    } catch (IOException e) {
      if (socket != null) {
        socket.unanswered();
      }
      return -1;
    }
  }
}
