/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.accel;

import io.underpass.ffm.BpfIterator;
import io.underpass.ffm.BpfObject;
import io.underpass.ffm.BpfProgram;
import io.underpass.ffm.Layouts;
import io.underpass.ffm.Layouts.Caller;
import io.underpass.ffm.NativeException;
import io.underpass.protocol.ErrorCode;
import io.underpass.protocol.WireException;
import io.underpass.service.Registration;

/**
 * Whether a process that registers is what it was when it connected: the same program, as the same
 * user. A connection can be left to a child, which asks in the name of a program that the process
 * runs in its own place by now, with more rights than it had (setuid, file capabilities).
 *
 * <p>Asked after {@link Claims} have noted what it is: whatever it becomes later is told from that.
 * Only the helper's own files are visited, the connections among them.
 */
public final class Callers {
  /** While a process begins to run another program, nothing can be said; milliseconds. */
  private static final int TRIES = 100;

  /** Null where the kernel refuses it: then the start time and the user are all there is. */
  private final BpfProgram program;

  /**
   * @param visits whether the programs that visit open files are loaded
   */
  public Callers(BpfObject object, boolean visits) throws NativeException {
    this.program = visits ? object.program("up_caller") : null;
  }

  /** Throws if it is not, or not for sure. */
  public void check(Registration registration) throws NativeException, WireException {
    if (program == null) {
      return;
    }
    for (int i = 0; i < TRIES; i++) {
      int state = stateOf(registration.pid());
      if (state == Layouts.UP_CALLER_SAME) {
        return;
      }
      if (state == Layouts.UP_CALLER_CHANGED) {
        throw new WireException(
            ErrorCode.DENIED,
            "process "
                + registration.pid()
                + " runs another program, or as another user, since it connected");
      }
      pause();
    }
    throw new WireException(
        ErrorCode.UNAVAILABLE,
        "process " + registration.pid() + " is about to run another program");
  }

  /** The worst of all its connections: one that it has from before tells. */
  private int stateOf(int pid) throws NativeException {
    int[] worst = {Layouts.UP_CALLER_SAME};
    try (BpfIterator files = program.attachTaskIterator((int) ProcessHandle.current().pid())) {
      files.run(
          rows -> {
            for (int at = 0; at < rows.limit(); at += Caller.SIZE) {
              int state = rows.getInt(at + Caller.STATE);
              if (rows.getInt(at + Caller.TGID) == pid && state != Layouts.UP_CALLER_SAME) {
                worst[0] = worst[0] == Layouts.UP_CALLER_CHANGED ? worst[0] : state;
              }
            }
          });
    }
    return worst[0];
  }

  private static void pause() {
    try {
      Thread.sleep(1);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
