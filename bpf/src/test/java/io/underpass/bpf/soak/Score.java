package io.underpass.bpf.soak;

import java.util.ArrayList;
import java.util.List;

/** What was run and what was seen of it; of one thread. */
final class Score {
  /** Of all schedules, at least one in so many has to show a thing, or the run shows too little. */
  private static final int REDIRECTED_ONE_IN = 3;

  private static final int UN_ENROLLED_ONE_IN = 20;
  private static final int IN_MID_STREAM_ONE_IN = 20;

  /** With fewer schedules than this, the events of a few groups decide what they show. */
  private static final int MEANINGFUL = 5_000;

  private long schedules;
  private long bytes;
  private long redirectedBytes;
  private long redirectedMessages;
  private long switches;
  private long enrolments;
  private long unEnrolments;
  private long withRedirects;
  private long withEnrolmentInMidStream;
  private long withUnEnrolment;
  private long mismatches;

  void count(Connection connection) {
    schedules++;
    bytes += connection.bytesRead();
    boolean redirected = false;
    boolean inMidStream = false;
    boolean left = false;
    for (End end : connection.ends()) {
      Observed seen = end.observed;
      redirectedBytes += seen.last().redirectedBytes();
      redirectedMessages += seen.last().redirectedMessages();
      switches += seen.last().switches();
      enrolments += seen.enrolments;
      unEnrolments += seen.unEnrolments;
      redirected |= seen.last().redirectedMessages() > 0;
      inMidStream |= seen.enrolmentsInMidStream > 0;
      left |= seen.unEnrolments > 0;
    }
    withRedirects += redirected ? 1 : 0;
    withEnrolmentInMidStream += inMidStream ? 1 : 0;
    withUnEnrolment += left ? 1 : 0;
    mismatches += connection.failure() == null ? 0 : 1;
  }

  long schedules() {
    return schedules;
  }

  long mismatches() {
    return mismatches;
  }

  /** What too few schedules have shown; a run that redirects nothing proves nothing. */
  List<String> missing() {
    List<String> missing = new ArrayList<>();
    if (schedules < MEANINGFUL) {
      return missing;
    }
    require(missing, "had redirected bytes", withRedirects, REDIRECTED_ONE_IN);
    require(missing, "were enrolled in mid-stream", withEnrolmentInMidStream, IN_MID_STREAM_ONE_IN);
    require(missing, "were un-enrolled", withUnEnrolment, UN_ENROLLED_ONE_IN);
    return missing;
  }

  private void require(List<String> missing, String what, long count, int oneIn) {
    if (count < schedules / oneIn) {
      missing.add("only %,d of %,d schedules %s".formatted(count, schedules, what));
    }
  }

  String progress() {
    return "%,d schedules, %,d MB, %,d MB redirected, %,d mismatches"
        .formatted(schedules, bytes >> 20, redirectedBytes >> 20, mismatches);
  }

  String report() {
    return """
        schedules            %,15d
          with redirects     %,15d
          enrolled mid-stream%,15d
          un-enrolled        %,15d
        bytes compared       %,15d
        bytes redirected     %,15d
        messages redirected  %,15d
        enrolments           %,15d
        un-enrolments        %,15d
        switches             %,15d
        mismatches           %,15d
        """
        .formatted(
            schedules,
            withRedirects,
            withEnrolmentInMidStream,
            withUnEnrolment,
            bytes,
            redirectedBytes,
            redirectedMessages,
            enrolments,
            unEnrolments,
            switches,
            mismatches);
  }
}
