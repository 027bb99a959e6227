/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.host;

import io.underpass.ffm.NativeException;
import io.underpass.ffm.PeerCredentials;
import io.underpass.protocol.ErrorCode;
import io.underpass.protocol.WireException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Makes sure that a pid from a socket still is the process that connected it. */
public final class PeerProcess {
  /** Index of starttime among the fields after the command's name, from 0. */
  private static final int START_TIME = 22 - 3;

  /** USER_HZ: the unit of {@code /proc/<pid>/stat} is 1/100 s on every Linux architecture. */
  private static final long NANOS_PER_TICK = 10_000_000;

  private PeerProcess() {}

  /**
   * When the process started, in clock ticks since boot.
   *
   * <p>A connection can outlive the process that made it (a child has inherited it), and then the
   * pid may be somebody else's. The pidfd says whether it has ended; where the kernel has none to
   * give (before 6.5), another user's process is told apart by its uid.
   */
  public static long startTicks(PeerCredentials peer) throws WireException {
    try {
      Path process = Path.of("/proc/" + peer.pid());
      long start = parseStartTicks(Files.readString(process.resolve("stat")));
      boolean sameUser = peer.pidfd() >= 0 || ProcStatus.read(process).effectiveUid() == peer.uid();
      if (sameUser && !peer.exited()) {
        return start;
      }
    } catch (NativeException e) {
      throw new WireException(ErrorCode.INTERNAL, e.getMessage());
    } catch (IOException e) {
      // No such process, or it ends as we look.
    }
    throw unseen(peer.pid());
  }

  /** The refusal of a process of which nothing can be read. */
  public static WireException unseen(int pid) {
    return new WireException(
        ErrorCode.DENIED, "process " + pid + " is not to be seen from the helper");
  }

  /** The command's name may hold spaces and parentheses; nothing after it does. */
  public static long parseStartTicks(String stat) throws IOException {
    String[] fields = stat.substring(stat.lastIndexOf(')') + 1).strip().split(" ", -1);
    if (fields.length <= START_TIME) {
      throw new IOException("not a stat file");
    }
    try {
      return Long.parseLong(fields[START_TIME]);
    } catch (NumberFormatException e) {
      throw new IOException("not a stat file", e);
    }
  }

  /** Whether the process runs that started then, in nanoseconds since boot as the kernel has it. */
  public static boolean isAlive(int pid, long startNanos) {
    return startTicksOf(pid) == ticks(startNanos);
  }

  /** The kernel's start time, in nanoseconds since boot, as {@code /proc/<pid>/stat} shows it. */
  public static long ticks(long startNanos) {
    return startNanos / NANOS_PER_TICK;
  }

  /** The least start time, in nanoseconds since boot, that is shown as these ticks. */
  public static long nanos(long startTicks) {
    return startTicks * NANOS_PER_TICK;
  }

  /** Of {@code /proc/<pid>/stat}, as a moment shows it; -1 if there is no such process. */
  public static long startTicksOf(int pid) {
    try {
      return parseStartTicks(Files.readString(Path.of("/proc/" + pid + "/stat")));
    } catch (IOException e) {
      return -1;
    }
  }
}
