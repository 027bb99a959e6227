/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.agent.hooks;

import io.underpass.agent.report.ErrorLog;
import java.io.FileDescriptor;

/**
 * Has the kernel's part look after a socket that has joined: it joins again. The program that
 * answers runs in this call, and under the socket's lock, which nobody else could take without
 * waiting for whoever has it. It gives an enrolled socket more room for what is redirected to it,
 * gives back what one has that was taken off, and knows one again that the helper has forgotten.
 *
 * <p>Called by a read or a write of the socket, under that one's lock ({@link Reads}, {@link
 * Paces}), and by the thread of {@link Joins}, without any. That one may meet a descriptor that is
 * being closed, and even one whose number has become another socket's of this JVM. Of one that has
 * joined too, this is harmless: it is tended once more often. One that has not joins a little
 * early, as it may by {@link Joins}.
 */
class Tends {
  private final SocketTable table;
  private final Sockopts sockopts;

  Tends(SocketTable table, Sockopts sockopts) {
    this.table = table;
    this.sockopts = sockopts;
  }

  /**
   * Tends one of which {@link SocketRecord#isTended} is true. A refusal is none of the join: the
   * helper may have gone, and is not to look again.
   */
  void tend(SocketRecord socket) throws Throwable {
    FileDescriptor fd = socket.fd();
    Tend tend = socket.tend();
    boolean granted = sockopts.join(fd);
    tend.answered(granted);
    // Asked afterwards: whoever had room from this call was enrolled before it.
    if (granted && !tend.mayHaveRoom() && sockopts.isEnrolled(fd)) {
      tend.mayHaveRoom(true);
    }
  }

  /**
   * There is no helper. One that stops in good order takes its programs along, and a socket that
   * had room from them is left with a small window. The agent opens it again itself, for those that
   * the kernel does not have enrolled, or nobody answers for. After a helper that was killed its
   * programs still answer: what they have enrolled keeps its room.
   *
   * <p>Without the sockets' locks too. Of another socket, this is as harmless: the kernel goes by
   * the receive buffer, where the window is not kept smaller.
   */
  void giveBackRoom() {
    for (SocketRecord record : table.records()) {
      Tend tend = record.tend();
      try {
        if (tend.mayHaveRoom() && !sockopts.isEnrolled(record.fd())) {
          sockopts.openWindow(record.fd());
          tend.mayHaveRoom(false);
        }
      } catch (Throwable e) {
        ErrorLog.AGENT.add(e);
      }
    }
  }
}
