/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.helper;

import io.underpass.ffm.NamespaceNumber;
import io.underpass.ffm.PeerCredentials;
import io.underpass.host.PeerProcess;
import io.underpass.host.ProcStatus;
import io.underpass.protocol.WireException;
import java.io.IOException;
import java.nio.file.Path;

/**
 * Whether a caller may administer the helper: its process has CAP_SYS_ADMIN in the host's user
 * namespace, as the kernel says. Uid 0 says nothing: a container's root has it without one
 * capability. CAP_NET_ADMIN would not do: containers are given that for a network of their own.
 *
 * <p>What a process gains by an exec after it has connected counts for it. Only one that could have
 * opened the socket's folder, which is root's, and whose bounding set has the capability, gains it
 * so; that one is the host's root.
 */
final class AdminRight {
  private static final int CAP_SYS_ADMIN = 21;

  /** The host's user namespace has this number on every kernel (PROC_USER_INIT_INO). */
  private static final int HOST = 0xEFFFFFFD;

  static final String MESSAGE =
      "this socket is for administration: it takes CAP_SYS_ADMIN in the host's user namespace";

  private AdminRight() {}

  /** Whether it was so while the caller was seen to be the same process. */
  static boolean isHeldBy(PeerCredentials peer) throws WireException {
    long start = PeerProcess.startTicks(peer);
    Path process = Path.of("/proc/" + peer.pid());
    boolean held;
    try {
      held =
          NamespaceNumber.of(process.resolve("ns/user")) == HOST
              && (ProcStatus.read(process).capabilities("CapEff") >>> CAP_SYS_ADMIN & 1) != 0;
    } catch (IOException e) {
      return false; // it has ended, or is not to be seen from here
    }
    return held && PeerProcess.startTicks(peer) == start;
  }
}
