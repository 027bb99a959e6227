/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.agent.bridge;

import java.io.FileDescriptor;
import java.io.IOException;
import java.lang.invoke.MethodHandle;

/**
 * The only class that the agent adds to the JDK. Woven methods call it, and it calls the agent,
 * which answers with a number, or with the exception that the method is to throw.
 *
 * <p>The agent's jar does not go onto the boot class path for it: the JVM prints a warning at that,
 * and takes class data sharing from the application. Instead {@code JavaBase} defines this one
 * class in {@code java.base}, by a lookup in {@code sun.nio.ch}, for which the build has renamed
 * it. Next hop: {@code Hooks}, in the agent's own class loader.
 */
public abstract class UnderpassBridge {
  /** A {@code NioSocketImpl} has its socket; the flag: it is a listener. */
  public static final int SOCKET_CREATED = 0;

  /** A {@code NioSocketImpl} is connected. */
  public static final int SOCKET_CONNECTED = 1;

  /** A {@code NioSocketImpl} was accepted. */
  public static final int SOCKET_ACCEPTED = 2;

  /** A {@code SocketChannelImpl} was made. */
  public static final int CHANNEL_CREATED = 3;

  /** A {@code ServerSocketChannelImpl} was made. */
  public static final int SERVER_CHANNEL_CREATED = 4;

  /** A {@code SocketChannelImpl} ended an attempt to connect; the flag: it is connected. */
  public static final int CHANNEL_CONNECTED = 5;

  /** A {@code SocketChannelImpl} was accepted. */
  public static final int CHANNEL_ACCEPTED = 6;

  /** An asynchronous channel was made. */
  public static final int ASYNC_CREATED = 7;

  /** An asynchronous server channel was made. */
  public static final int ASYNC_SERVER_CREATED = 8;

  /** An asynchronous channel is connected. */
  public static final int ASYNC_CONNECTED = 9;

  /** An asynchronous channel was accepted. */
  public static final int ASYNC_ACCEPTED = 10;

  /** A TCP socket was bound. */
  public static final int BOUND = 11;

  /** The file descriptor is about to be closed, or replaced, which closes the socket behind it. */
  public static final int CLOSING = 12;

  /** Urgent data is about to be sent. */
  public static final int URGENT = 13;

  /** A native write failed. */
  public static final int WRITE = 0;

  /** A native read failed. */
  public static final int READ = 1;

  /** A transfer from a file failed. */
  public static final int TRANSFER = 2;

  /** What a native read answers at the end of the stream ({@code IOStatus.EOF}). */
  private static final int EOF = -1;

  /** So much in one write is worth a question to the kernel before it: bytes. */
  public static final int LARGE_WRITE = 32_768;

  private static volatile UnderpassBridge agent;

  /**
   * {@code SocketDispatcher.write0(FileDescriptor, long, int)}; null: large writes are left whole.
   */
  private static volatile MethodHandle write;

  /** For the agent. */
  protected UnderpassBridge() {}

  /** From now on calls go there. */
  public static void connect(UnderpassBridge agent) {
    UnderpassBridge.agent = agent;
  }

  /**
   * From now on large writes may be made in two parts.
   *
   * @param write the JDK's native write: descriptor, address, size
   */
  protected static void writeBy(MethodHandle write) {
    UnderpassBridge.write = write;
  }

  /**
   * Something happened to a socket.
   *
   * @param family of a channel; null where it can only be TCP
   */
  public static void event(FileDescriptor fd, int what, Object family, boolean flag) {
    UnderpassBridge to = agent;
    if (to == null) {
      return;
    }
    try {
      to.onEvent(fd, what, family, flag);
    } catch (Throwable e) {
      to.suppress(e);
    }
  }

  /** What {@code available()} is to answer, where the JDK has just asked the kernel. */
  public static int available(FileDescriptor fd, int plain) {
    UnderpassBridge to = agent;
    if (to == null) {
      return plain;
    }
    try {
      return to.onAvailable(fd, plain);
    } catch (Throwable e) {
      to.suppress(e);
      return plain;
    }
  }

  /**
   * A read begins, under the socket's read lock.
   *
   * @param blocks whether it waits where there is nothing to read
   */
  public static void reading(FileDescriptor fd, boolean blocks) {
    UnderpassBridge to = agent;
    if (to == null) {
      return;
    }
    try {
      to.onRead(fd, blocks);
    } catch (Throwable e) {
      to.suppress(e);
    }
  }

  /**
   * A selector is about to wait, under its lock.
   *
   * @param timeout milliseconds; 0: it only looks, -1: without end
   * @param epoll the number of its epoll instance
   * @param events address of where the kernel puts what has happened
   */
  public static void selecting(int timeout, int epoll, long events) {
    UnderpassBridge to = agent;
    if (to == null || timeout == 0) {
      return;
    }
    try {
      to.onSelect(epoll, events);
    } catch (Throwable e) {
      to.suppress(e);
    }
  }

  /**
   * So many bytes are about to be written, under the socket's write lock. Where that lets the
   * reader begin earlier, they are written here, in two parts.
   *
   * <p>The answer is what the kernel could have given for one write. A second part that fails makes
   * it a short one, and the next write tells why; but not where the connection has ended: TCP has
   * told its error now, and would let the next read see an orderly end of the stream.
   *
   * @return as the native write answers; 0 where nothing was written, and the JDK is to do it
   * @throws Throwable an {@code IOException} of the native write: nothing was written, or nothing
   *     of what was can be acknowledged any more
   */
  public static int writing(FileDescriptor fd, long address, int size) throws Throwable {
    if (size < LARGE_WRITE) {
      return 0;
    }
    UnderpassBridge to = agent;
    MethodHandle plain = write;
    if (to == null) {
      return 0;
    }
    int first = to.firstPart(fd, size);
    if (first <= 0 || first >= size || plain == null) {
      return 0;
    }
    int written = (int) plain.invokeExact(fd, address, first);
    if (written < first) {
      // No room, or a signal: the kernel would have stopped here too.
      return written;
    }
    try {
      int rest = (int) plain.invokeExact(fd, address + first, size - first);
      return first + Math.max(rest, 0);
    } catch (IOException e) {
      if (to.isOver(fd)) {
        throw e;
      }
      return first;
    }
  }

  /**
   * A native read has answered, under the socket's read lock.
   *
   * @return the same
   * @throws IOException what the kernel would have told here of a plain socket
   */
  public static int hasRead(int answer, FileDescriptor fd) throws IOException {
    if (answer == EOF) {
      ended(fd);
    }
    return answer;
  }

  /** The same of a scattering read. */
  public static long hasRead(long answer, FileDescriptor fd) throws IOException {
    if (answer == EOF) {
      ended(fd);
    }
    return answer;
  }

  private static void ended(FileDescriptor fd) throws IOException {
    UnderpassBridge to = agent;
    if (to == null) {
      return;
    }
    IOException instead;
    try {
      instead = to.onEnd(fd);
    } catch (Throwable e) {
      to.suppress(e);
      return;
    }
    if (instead != null) {
      throw instead;
    }
  }

  /**
   * Something native has thrown an {@code IOException}, under the lock of the socket's reads or of
   * its writes.
   *
   * @param what {@link #WRITE}, {@link #READ}, or {@link #TRANSFER}, which may be one to a file
   * @return what is to be thrown
   */
  public static IOException failed(IOException thrown, FileDescriptor fd, int what) {
    UnderpassBridge to = agent;
    if (to == null) {
      return thrown;
    }
    try {
      return to.onFailed(fd, what, thrown);
    } catch (Throwable e) {
      to.suppress(e);
      return thrown;
    }
  }

  /** Somebody is getting the platform MBean server. */
  public static void platformServer(Object server) {
    UnderpassBridge to = agent;
    if (to == null) {
      return;
    }
    try {
      to.onPlatformServer(server);
    } catch (Throwable e) {
      to.suppress(e);
    }
  }

  /** The agent's part of {@link #event}. */
  protected abstract void onEvent(FileDescriptor fd, int what, Object family, boolean flag)
      throws Throwable;

  /** The agent's part of {@link #available}. */
  protected abstract int onAvailable(FileDescriptor fd, int plain) throws Throwable;

  /** The agent's part of {@link #reading}. */
  protected abstract void onRead(FileDescriptor fd, boolean blocks) throws Throwable;

  /** The agent's part of {@link #selecting}. */
  protected abstract void onSelect(int epoll, long events) throws Throwable;

  /**
   * The agent's part of {@link #writing}: may wait for the reader.
   *
   * @return how many of so many bytes to write first; 0 for all of them
   */
  protected abstract int onLargeWrite(FileDescriptor fd, int size) throws Throwable;

  /** Has this connection ended, so that every write to it will fail? */
  protected abstract boolean hasEnded(FileDescriptor fd) throws Throwable;

  /**
   * The agent's part of {@link #hasRead(int, FileDescriptor)}, at the end of the stream.
   *
   * @return what is to be thrown instead; null for nothing
   */
  protected abstract IOException onEnd(FileDescriptor fd) throws Throwable;

  /** The agent's part of {@link #failed}. */
  protected abstract IOException onFailed(FileDescriptor fd, int what, IOException thrown)
      throws Throwable;

  /** The agent's part of {@link #platformServer}. */
  protected abstract void onPlatformServer(Object server) throws Throwable;

  /** Counts what the application is not to see. */
  protected abstract void onSuppressed(Throwable e);

  private int firstPart(FileDescriptor fd, int size) {
    try {
      return onLargeWrite(fd, size);
    } catch (Throwable e) {
      suppress(e);
      return 0;
    }
  }

  private boolean isOver(FileDescriptor fd) {
    try {
      return hasEnded(fd);
    } catch (Throwable e) {
      suppress(e);
      return false;
    }
  }

  private void suppress(Throwable e) {
    try {
      onSuppressed(e);
    } catch (Throwable again) {
      // Out of stack or memory: there is nobody left to tell.
    }
  }
}
