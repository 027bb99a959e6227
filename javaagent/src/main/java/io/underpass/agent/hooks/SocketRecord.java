package io.underpass.agent.hooks;

import io.underpass.agent.weave.JavaBase;
import java.io.FileDescriptor;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.lang.ref.ReferenceQueue;
import java.lang.ref.WeakReference;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.concurrent.atomic.AtomicIntegerFieldUpdater;

/**
 * What is known of one open TCP socket. It does not keep the socket alive: it is gone when the file
 * descriptor's object is, closed or forgotten.
 */
public final class SocketRecord extends WeakReference<FileDescriptor> {
  /** Which of the JDK's three kinds of socket it is. */
  public enum Kind {
    /** {@code Socket} and {@code ServerSocket}. */
    SOCKET,
    /** {@code SocketChannel} and {@code ServerSocketChannel}. */
    CHANNEL,
    /** {@code AsynchronousSocketChannel} and {@code AsynchronousServerSocketChannel}. */
    ASYNC
  }

  /** Which end of a connection it is. */
  public enum Role {
    /** Not connected yet. */
    NONE,
    /** A listener. */
    LISTEN,
    /** It made the connection. */
    CONNECT,
    /** It was accepted. */
    ACCEPT
  }

  private static final AtomicIntegerFieldUpdater<SocketRecord> JOINED =
      AtomicIntegerFieldUpdater.newUpdater(SocketRecord.class, "joined");

  private final int hash;
  private final Kind kind;
  private final long createdNanos = System.nanoTime();
  private volatile Role role;

  /** 1: the kernel's part has been asked to know it. By {@link #JOINED}. */
  @SuppressWarnings("unused")
  private volatile int joined;

  /** {@code local remote}, once asked and known. */
  private volatile String addresses;

  SocketRecord(FileDescriptor fd, ReferenceQueue<FileDescriptor> queue, Kind kind, Role role) {
    super(fd, queue);
    this.hash = System.identityHashCode(fd);
    this.kind = kind;
    this.role = role;
  }

  /** Which kind of socket. */
  public Kind kind() {
    return kind;
  }

  /** Which end. */
  public Role role() {
    return role;
  }

  /** How long ago it was made, accepted, or first seen. */
  public long ageMillis() {
    return (System.nanoTime() - createdNanos) / 1_000_000;
  }

  /**
   * Both addresses as {@code address:port}, with a space between; null if it has none, or none any
   * more.
   */
  public String addresses() {
    String known = addresses;
    FileDescriptor fd = get();
    if (known == null && fd != null && isConnected()) {
      try {
        known =
            text((InetSocketAddress) Addresses.LOCAL.invokeExact(fd))
                + " "
                + text((InetSocketAddress) Addresses.REMOTE.invokeExact(fd));
        addresses = known;
      } catch (Throwable e) {
        // Closed in the meantime.
        return null;
      }
    }
    return known;
  }

  boolean isConnected() {
    return role == Role.CONNECT || role == Role.ACCEPT;
  }

  /** Once true, and then false: who gets true asks. Set before the kernel knows, see closing. */
  boolean join() {
    return JOINED.compareAndSet(this, 0, 1);
  }

  boolean isJoined() {
    return joined != 0;
  }

  long ageNanos(long now) {
    return now - createdNanos;
  }

  void connected() {
    role = Role.CONNECT;
  }

  /** By identity: a record is found by its file descriptor through a {@link Probe}. */
  @Override
  public boolean equals(Object other) {
    return this == other;
  }

  @Override
  public int hashCode() {
    return hash;
  }

  private static String text(InetSocketAddress address) {
    InetAddress ip = address.getAddress();
    String host = ip.getHostAddress();
    return (host.indexOf(':') < 0 ? host : "[" + host + "]") + ":" + address.getPort();
  }

  /** The JDK's own questions to the kernel; looked up when the flows are first asked for. */
  private static final class Addresses {
    static final MethodHandle LOCAL = find("localAddress");
    static final MethodHandle REMOTE = find("remoteAddress");

    private static MethodHandle find(String name) {
      try {
        MethodHandles.Lookup net = JavaBase.lookup(Sockopts.NET);
        MethodType type = MethodType.methodType(InetSocketAddress.class, FileDescriptor.class);
        return net.findStatic(net.lookupClass(), name, type);
      } catch (ReflectiveOperationException e) {
        throw new LinkageError(e.toString(), e);
      }
    }
  }

  /** Finds the record of a file descriptor in a map; never stored in one. */
  static final class Probe {
    private final FileDescriptor fd;

    Probe(FileDescriptor fd) {
      this.fd = fd;
    }

    @Override
    public boolean equals(Object other) {
      return other instanceof SocketRecord record && record.refersTo(fd);
    }

    @Override
    public int hashCode() {
      return System.identityHashCode(fd);
    }
  }
}
