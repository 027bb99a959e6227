/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.bpf.soak;

import io.underpass.Reason;
import io.underpass.bpf.soak.FlowRecords.View;
import java.util.EnumSet;
import java.util.Set;

/** What the kernel was seen to do with one end, looked at after each event and before it closes. */
final class Observed {
  private View last = View.NONE;
  private long bytesThen;
  private long writtenThen;
  private boolean seenPlain;

  /** It has left by itself, and was not seen to be back. */
  private boolean returning;

  long enrolments;
  long enrolmentsInMidStream;
  long unEnrolments;

  /** Why it left by itself, as far as that was seen before it came back. */
  final Set<Reason> reasons = EnumSet.noneOf(Reason.class);

  /** How often it left by itself and was taken up again by itself, at least. */
  long leaves;

  long returns;

  /**
   * @param bytes that went through the connection so far, both ways
   * @param written by this end so far
   * @param whole every write since the last look was taken whole; of others the verdict may have
   *     counted what came back to the writer
   */
  void see(View view, long bytes, long written, boolean whole) {
    if (whole && view.enrolled() && view.isAsThen(last)) {
      long counted = view.bytes() - last.bytes();
      if (counted != written - writtenThen) {
        throw new Mismatch(
            counted + " bytes counted of " + (written - writtenThen) + " written while enrolled");
      }
    }
    writtenThen = written;
    if (view.enrolled() && !last.enrolled()) {
      enrolments++;
      if (seenPlain && bytesThen > 0) {
        enrolmentsInMidStream++;
      }
    } else if (!view.enrolled() && last.enrolled()) {
      unEnrolments++;
    }
    if (view.trials() > last.trials()) {
      leaves++;
      returning = true;
    }
    if (view.trials() > 0 && isAboutTraffic(view.reason())) {
      reasons.add(view.reason());
    }
    if (returning && view.enrolled() && view.again() && !isAboutTraffic(view.reason())) {
      returns++;
      returning = false;
    }
    seenPlain = !view.enrolled();
    bytesThen = bytes;
    last = view;
  }

  private static boolean isAboutTraffic(Reason reason) {
    return reason == Reason.ONE_WAY || reason == Reason.BEHIND || reason == Reason.CONTENDED;
  }

  View last() {
    return last;
  }
}
