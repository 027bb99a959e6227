package io.underpass.agent.hooks;

import java.io.FileDescriptor;
import java.net.StandardProtocolFamily;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Consumer;

/**
 * Called by the advice, from inside the JDK's socket classes, on the application's threads and
 * often under their locks: nothing here blocks, and nothing here may change what the application
 * sees, but for the three repairs below.
 *
 * <p>An accelerated socket differs from plain TCP in three places that a program can see, and each
 * is put right here: {@link #available}, {@link #beforeUrgent} and the reset in {@link #closing}.
 * Until the first registration all three do nothing.
 */
public final class Hooks {
  /** Sockets of this JVM that are open. */
  public static final SocketTable TABLE = new SocketTable();

  /** What happened so far. */
  public static final SocketCounts COUNTS = new SocketCounts();

  private static final LongAdder SUPPRESSED = new LongAdder();

  /** Null until the first registration; never null again. */
  private static volatile Sockopts sockopts;

  /** Set once, before the first class is woven. */
  private static volatile Consumer<Object> onPlatformServer;

  private Hooks() {}

  /** The first registration is made: the socket options are answered from now on. */
  public static void activate(Sockopts opened) {
    sockopts = opened;
  }

  /** What to do with the platform MBean server when somebody first asks for it. */
  public static void onPlatformServer(Consumer<Object> action) {
    onPlatformServer = action;
  }

  /** What an advice failed with; the application goes on as if there were none. */
  public static void suppressed(Throwable e) {
    SUPPRESSED.increment();
  }

  /** How many errors were suppressed. */
  public static long suppressed() {
    return SUPPRESSED.sum();
  }

  /** {@code NioSocketImpl.create} made a socket. */
  public static void implCreated(Object impl, boolean server) throws Throwable {
    created(SocketAccess.fd(impl), SocketRecord.Kind.SOCKET, server);
  }

  /** {@code NioSocketImpl} is connected. */
  public static void implConnected(Object impl) throws Throwable {
    connected(SocketAccess.fd(impl), SocketRecord.Kind.SOCKET);
  }

  /** A {@code NioSocketImpl} became an accepted socket. */
  public static void implAccepted(Object impl) throws Throwable {
    accepted(SocketAccess.fd(impl), SocketRecord.Kind.SOCKET);
  }

  /** A {@code SocketChannelImpl} or {@code ServerSocketChannelImpl} was made; of TCP or not. */
  public static void channelCreated(FileDescriptor fd, Object family, boolean server) {
    if (family != StandardProtocolFamily.UNIX) {
      created(fd, SocketRecord.Kind.CHANNEL, server);
    }
  }

  /** A {@code SocketChannelImpl} was accepted; of TCP or not. */
  public static void channelAccepted(FileDescriptor fd, Object family) {
    if (family != StandardProtocolFamily.UNIX) {
      accepted(fd, SocketRecord.Kind.CHANNEL);
    }
  }

  /** A {@code SocketChannelImpl} ended an attempt to connect; of TCP or not. */
  public static void channelConnected(FileDescriptor fd, Object family, boolean completed) {
    if (completed && family != StandardProtocolFamily.UNIX) {
      connected(fd, SocketRecord.Kind.CHANNEL);
    }
  }

  /** An asynchronous channel was made. */
  public static void asyncCreated(FileDescriptor fd, boolean server) {
    created(fd, SocketRecord.Kind.ASYNC, server);
  }

  /** An asynchronous channel was accepted. */
  public static void asyncAccepted(FileDescriptor fd) {
    accepted(fd, SocketRecord.Kind.ASYNC);
  }

  /** An asynchronous channel is connected. */
  public static void asyncConnected(Object channel) throws Throwable {
    connected(SocketAccess.asyncFd(channel), SocketRecord.Kind.ASYNC);
  }

  /** A TCP socket was bound. */
  public static void bound() {
    COUNTS.bound();
  }

  /**
   * What {@code available()} has to answer, called where the JDK has just asked FIONREAD, under the
   * socket's lock.
   *
   * <p>FIONREAD of an enrolled socket counts one of its two queues only, and which one depends on
   * the kernel (929e30f93125).
   */
  public static int available(FileDescriptor fd, int plain) {
    Sockopts opened = sockopts;
    if (opened == null) {
      return plain;
    }
    try {
      int both = opened.available(fd);
      return both >= 0 ? both : plain;
    } catch (Throwable e) {
      suppressed(e);
      return plain;
    }
  }

  /**
   * Urgent data is about to be sent, under the socket's write lock.
   *
   * <p>A redirect would carry the byte as ordinary data. The direction goes by TCP first, and for
   * good.
   */
  public static void beforeUrgent(FileDescriptor fd) {
    Sockopts opened = sockopts;
    if (opened == null) {
      return;
    }
    try {
      opened.pinTcp(fd);
    } catch (Throwable e) {
      suppressed(e);
    }
  }

  /**
   * The file descriptor is about to be closed, or replaced by {@code dup2}, which closes the socket
   * behind it.
   *
   * <p>TCP sends a reset where unread data is thrown away. It does not see what is unread in the
   * psock queue, so it is told to: a linger time of 0 has the same effect. Here the JDK has done
   * its own {@code shutdown}, as for plain TCP.
   */
  public static void closing(FileDescriptor fd) throws Throwable {
    SocketRecord record = TABLE.remove(fd);
    if (record != null) {
      COUNTS.closed();
    }
    Sockopts opened = sockopts;
    if (opened != null && (record == null ? TABLE.hasStrangers() : record.isConnected())) {
      if (opened.unread(fd, record != null) > 0) {
        opened.lingerZero(fd);
      }
    }
  }

  /** Somebody asked for the platform MBean server. */
  public static void platformServer(Object server) {
    Consumer<Object> action = onPlatformServer;
    if (action != null && server != null) {
      action.accept(server);
    }
  }

  private static void created(FileDescriptor fd, SocketRecord.Kind kind, boolean server) {
    COUNTS.created();
    TABLE.add(fd, kind, server ? SocketRecord.Role.LISTEN : SocketRecord.Role.NONE);
  }

  private static void connected(FileDescriptor fd, SocketRecord.Kind kind) {
    COUNTS.connected();
    SocketRecord record = TABLE.get(fd);
    if (record != null) {
      record.connected();
    } else {
      TABLE.add(fd, kind, SocketRecord.Role.CONNECT);
    }
  }

  private static void accepted(FileDescriptor fd, SocketRecord.Kind kind) {
    COUNTS.accepted();
    TABLE.add(fd, kind, SocketRecord.Role.ACCEPT);
  }
}
