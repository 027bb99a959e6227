/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.agent.hooks;

import static io.underpass.agent.bridge.UnderpassBridge.READ;

import io.underpass.agent.jdk.Descriptors;
import io.underpass.agent.report.ErrorLog;
import java.io.FileDescriptor;
import java.io.IOException;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Puts right what a program would see differently of an accelerated socket than of plain TCP: the
 * answer of {@code available()}, urgent data, the reset at a close with unread bytes, and which
 * call is told of a reset ({@link Failures}). Immutable.
 *
 * <p>Called on the application's threads, under its sockets' locks: nothing here blocks.
 */
final class Repairs {
  private final Sockopts sockopts;
  private final Failures failures;
  private final SocketTable table;

  /** Of {@link Acceleration}: while it is not 0, what is known of a socket may be untrue. */
  private final AtomicInteger attempts;

  private Repairs(Sockopts sockopts, Failures failures, SocketTable table, AtomicInteger attempts) {
    this.sockopts = sockopts;
    this.failures = failures;
    this.table = table;
    this.attempts = attempts;
  }

  /**
   * Looks up what all of them need.
   *
   * @throws ReflectiveOperationException where this JDK lacks a part of it: then none is made
   */
  static Repairs open(Sockopts sockopts, SocketTable table, AtomicInteger attempts)
      throws ReflectiveOperationException {
    return new Repairs(sockopts, Failures.open(sockopts), table, attempts);
  }

  /**
   * What {@code available()} has to answer, called where the JDK has just asked FIONREAD, under the
   * socket's lock.
   *
   * <p>FIONREAD of an enrolled socket counts one of its two queues only, and which one depends on
   * the kernel (929e30f93125).
   */
  int available(FileDescriptor fd, int plain) throws Throwable {
    SocketRecord record = table.get(Descriptors.numberOf(fd), fd);
    int both = sockopts.available(fd, isRegistering() ? null : record);
    return both >= 0 ? both : plain;
  }

  /**
   * Urgent data is about to be sent, under the socket's write lock.
   *
   * <p>A redirect would carry the byte as ordinary data. The direction goes by TCP first, and for
   * good.
   */
  void beforeUrgent(FileDescriptor fd) throws Throwable {
    sockopts.pinTcp(fd);
  }

  /**
   * The file descriptor is about to be closed, or replaced by {@code dup2}, which closes the socket
   * behind it.
   *
   * <p>TCP sends a reset where unread data is thrown away. It does not see what is unread in the
   * psock queue, so it is told to: a linger time of 0 has the same effect. Here the JDK has done
   * its own {@code shutdown}, as for plain TCP.
   *
   * @param record what the table had of it; null for nothing
   */
  void beforeClose(FileDescriptor fd, SocketRecord record) throws Throwable {
    if (mayBeEnrolled(record) && sockopts.unread(fd, isRegistering() ? null : record) > 0) {
      sockopts.lingerZero(fd);
    }
  }

  /**
   * This JVM ends, and the kernel closes what is open: as in {@link #beforeClose}. The
   * application's own shutdown hooks are over, so what has not been read is thrown away in the next
   * moment.
   */
  void atExit() {
    for (SocketRecord record : table.records()) {
      if (record.isConnected()) {
        try {
          beforeClose(record.fd(), record);
        } catch (Throwable e) {
          ErrorLog.AGENT.add(e);
        }
      }
    }
  }

  /**
   * A read sees the end of the stream.
   *
   * @return what it is to be told instead; null for nothing
   */
  IOException atEnd(FileDescriptor fd) throws Throwable {
    SocketRecord record = table.get(Descriptors.numberOf(fd), fd);
    return record != null && mayBeEnrolled(record) ? failures.atEnd(fd, record) : null;
  }

  /**
   * A native call has failed.
   *
   * @param record null for a socket that the table has no place for
   * @param what {@code READ}, {@code WRITE} or {@code TRANSFER} of the bridge
   * @return what is to be thrown
   */
  IOException failed(FileDescriptor fd, SocketRecord record, int what, IOException thrown)
      throws Throwable {
    return what != READ && mayBeEnrolled(record)
        ? failures.ofWrite(fd, record, what, thrown)
        : thrown;
  }

  /** Has this connection ended, so that every write to it will fail? */
  boolean hasEnded(FileDescriptor fd) throws Throwable {
    return sockopts.hasEnded(fd);
  }

  private boolean mayBeEnrolled(SocketRecord record) {
    return record == null ? table.hasStrangers() : !record.isYoung() || isRegistering();
  }

  /** What is known of a socket may be no longer true. */
  private boolean isRegistering() {
    return attempts.get() > 0;
  }
}
