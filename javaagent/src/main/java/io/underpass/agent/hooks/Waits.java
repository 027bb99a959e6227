/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.agent.hooks;

import io.underpass.agent.report.ErrorLog;
import java.io.FileDescriptor;
import java.io.IOException;

/**
 * The rules of waiting: what a read, a wait of a selector and a large write do before the JDK makes
 * its call to the kernel. Immutable.
 */
final class Waits {
  private final Reads reads;

  /** Null where no read is to spin. */
  private final Spins spins;

  /** Null where no write is to wait. */
  private final Paces paces;

  private Waits(Reads reads, Spins spins, Paces paces) {
    this.reads = reads;
    this.spins = spins;
    this.paces = paces;
  }

  /** Looks up what the options allow and this JDK has; without it the JDK's calls are as ever. */
  static Waits open(
      Acceleration.Options options, Acceleration to, Sockopts sockopts, Tends tends, Joins joins) {
    Spins spins = null;
    if (options.spin()) {
      try {
        spins = Spins.open(sockopts, to.spins());
      } catch (ReflectiveOperationException | IOException e) {
        // A JDK without that method, or no /proc: reads block at once, as ever.
        spins = null;
      }
    }
    Paces paces = null;
    if (options.pace()) {
      paces = new Paces(sockopts, tends, to.paces());
      try {
        Hooks.writeLargeBy(Paces.nativeWrite());
      } catch (ReflectiveOperationException e) {
        // A JDK without that method: large writes are left whole.
        ErrorLog.AGENT.add(e);
      }
    }
    return new Waits(new Reads(to.table(), joins, tends, spins), spins, paces);
  }

  /** A read is about to begin, under the socket's read lock. */
  void beforeRead(FileDescriptor fd, boolean blocks) throws Throwable {
    reads.before(fd, blocks);
  }

  /** A selector is about to wait, under its lock. */
  void beforeSelect(int epoll, long events) throws Throwable {
    if (spins != null) {
      spins.beforeSelect(epoll, events);
    }
  }

  /**
   * A large write is about to begin, under the socket's write lock.
   *
   * @return how many bytes to write first; 0 for all of them
   */
  int beforeLargeWrite(SocketRecord socket, int size) throws Throwable {
    return paces == null ? 0 : paces.beforeWrite(socket, size);
  }
}
