package io.underpass.bpf.soak;

import io.underpass.bpf.soak.FlowRecords.View;

/** What the kernel was seen to do with one end, looked at after each event and before it closes. */
final class Observed {
  private View last = View.NONE;
  private long bytesThen;
  private boolean seenPlain;

  long enrolments;
  long enrolmentsInMidStream;
  long unEnrolments;

  /**
   * @param bytes that went through the connection so far, both ways
   */
  void see(View view, long bytes) {
    if (view.enrolled() && !last.enrolled()) {
      enrolments++;
      if (seenPlain && bytesThen > 0) {
        enrolmentsInMidStream++;
      }
    } else if (!view.enrolled() && last.enrolled()) {
      unEnrolments++;
    }
    seenPlain = !view.enrolled();
    bytesThen = bytes;
    last = view;
  }

  View last() {
    return last;
  }
}
