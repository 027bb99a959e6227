/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.agent.hooks;

import io.underpass.agent.jdk.Descriptors;
import java.io.FileDescriptor;

/**
 * What comes before each read, under its socket's read lock. Most only count themselves. Once in a
 * while one looks at the socket's record: it may be time to join, to be tended, or to spin.
 */
final class Reads {
  private final SocketTable table;
  private final Joins joins;
  private final Tends tends;

  /** Null where no read is to spin. */
  private final Spins spins;

  Reads(SocketTable table, Joins joins, Tends tends, Spins spins) {
    this.table = table;
    this.joins = joins;
    this.tends = tends;
    this.spins = spins;
  }

  /** A read is about to begin, which blocks or does not. */
  void before(FileDescriptor fd, boolean blocks) throws Throwable {
    int number = Descriptors.numberOf(fd);
    boolean asked = !blocks && spins != null && spins.isAsked();
    boolean rests = table.takeRest(number);
    if (rests && !asked) {
      return;
    }
    SocketRecord socket = table.get(number, fd);
    if (asked && socket != null && socket.spin() != null) {
      spins.beforeLook(fd, socket.spin());
    }
    if (!rests) {
      table.rest(number, socket == null ? Spin.MAX_REST : look(socket, blocks));
    }
  }

  /** Returns how many reads are to come that need not look. */
  private int look(SocketRecord socket, boolean blocks) throws Throwable {
    Spin spin = socket.spin();
    boolean spinsNext = spin == null && noLongerYoung(socket);
    boolean tended = socket.isTended();
    Tend tend = socket.tend();
    if (tended && tend.isDue()) {
      tends.tend(socket);
    }
    int most = tended ? tend.mostRest() : Short.MAX_VALUE;
    int rest;
    if (spinsNext) {
      rest = 0;
    } else if (spin == null || spins == null || !blocks) {
      rest = Math.min(Spin.MAX_REST, most);
    } else {
      // Its rest may not be over: the look may have come early, for the tend's sake.
      if (spin.isDue()) {
        spins.beforeRead(socket.fd(), spin);
      }
      rest = spin.giveRest(most);
    }
    if (tended) {
      tend.rests(rest);
    }
    return rest;
  }

  /**
   * It has read so often that it is worth to be accelerated, and its reads may spin.
   *
   * @return false where it is too early for either
   */
  private boolean noLongerYoung(SocketRecord socket) throws Throwable {
    if (!socket.isConnected()) {
      return false;
    }
    joins.busy(socket);
    if (spins == null) {
      return false;
    }
    socket.spin(new Spin(System.nanoTime()));
    return true;
  }
}
