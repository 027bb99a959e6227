/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.agent.hooks;

import io.underpass.agent.jdk.JavaBase;
import java.io.FileDescriptor;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.concurrent.atomic.AtomicIntegerFieldUpdater;

/**
 * What is known of one open TCP socket, until it is closed. It keeps the object of its file
 * descriptor alive, but not the socket: one that is forgotten is closed by the JDK's cleaner, which
 * has the same object.
 */
public final class SocketRecord {
  /** A connection that does not live for so many reads is not worth any acceleration. */
  static final int YOUNG_READS = 24;

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

  private static final int ASKED = 1;
  private static final int ASKED_AGAIN = 2;
  private static final int JOINED = 3;
  private static final int REFUSED = 4;

  /** So many questions in a row without an answer are no accident. */
  private static final int MAX_UNANSWERED = 16;

  private static final AtomicIntegerFieldUpdater<SocketRecord> KNOWN =
      AtomicIntegerFieldUpdater.newUpdater(SocketRecord.class, "known");

  private final FileDescriptor fd;
  private final Kind kind;
  private volatile Role role;

  /**
   * Whether the kernel's part knows it: 0: nobody has asked; {@link #ASKED} or {@link
   * #ASKED_AGAIN}: it may, or is about to; {@link #JOINED}; {@link #REFUSED}: it does not. By
   * {@link #KNOWN}.
   */
  private volatile int known;

  /** Questions in a row without an answer; of whoever asks, and one that is lost is no harm. */
  private int unanswered;

  /** {@code local remote}, once asked and known. */
  private volatile String addresses;

  /** When it is tended, once it has joined; see there who may. */
  private final Tend tend = new Tend();

  /** {@link Joins} has met it; of its thread. */
  private boolean seen;

  /**
   * A read or a write of it has failed. Of both, and unguarded: where one of them fails while the
   * other is about to ask, the other may tell the same.
   */
  private volatile boolean failed;

  /** How its reads spin; null until they may. Under the socket's read lock. */
  private Spin spin;

  /** How its large writes wait; null until there was one. Under the socket's write lock. */
  private Pace pace;

  SocketRecord(FileDescriptor fd, Kind kind, Role role) {
    this.fd = fd;
    this.kind = kind;
    this.role = role;
  }

  FileDescriptor fd() {
    return fd;
  }

  /** Which kind of socket. */
  public Kind kind() {
    return kind;
  }

  /** Which end. */
  public Role role() {
    return role;
  }

  /**
   * Both addresses as {@code address:port}, with a space between; null if it has none, or none any
   * more.
   */
  public String addresses() {
    String known = addresses;
    if (known == null && isConnected()) {
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
    return known == 0 && KNOWN.compareAndSet(this, 0, ASKED);
  }

  /** The answer to who had true from {@link #join}; another may have asked again since. */
  void joined(boolean granted) {
    KNOWN.compareAndSet(this, ASKED, granted ? JOINED : REFUSED);
  }

  /** It is asked for again, whatever it was. By one thread at a time, as is the next. */
  void joinAgain() {
    known = ASKED_AGAIN;
    unanswered = 0;
    tend.again();
  }

  void joinedAgain(boolean granted) {
    known = granted ? JOINED : REFUSED;
  }

  /** Nobody has asked for it yet. */
  boolean isYoung() {
    return known == 0;
  }

  /** The kernel's part knows it, and is to look after it. */
  boolean isTended() {
    return known == JOINED && !tend.isGivenUp();
  }

  Tend tend() {
    return tend;
  }

  /**
   * Nobody has answered for a while, and each question costs an exception: it is not asked about
   * before it is asked for again.
   */
  boolean isMute() {
    return unanswered >= MAX_UNANSWERED;
  }

  void answered() {
    if (unanswered != 0) {
      unanswered = 0;
    }
  }

  /** While it is being asked for, that says nothing. */
  void unanswered() {
    int now = known;
    if (now == JOINED || now == REFUSED) {
      unanswered++;
    }
  }

  /** Whether an earlier look through the table met it; asked once in each, by {@link Joins}. */
  boolean wasSeen() {
    boolean before = seen;
    seen = true;
    return before;
  }

  void connected() {
    role = Role.CONNECT;
  }

  boolean hasFailed() {
    return failed;
  }

  void failed() {
    failed = true;
  }

  Spin spin() {
    return spin;
  }

  void spin(Spin started) {
    spin = started;
  }

  Pace pace() {
    if (pace == null) {
      pace = new Pace();
    }
    return pace;
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
}
