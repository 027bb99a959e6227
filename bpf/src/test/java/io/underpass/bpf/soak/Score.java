/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.bpf.soak;

import io.underpass.Reason;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** What was run and what was seen of it; of one thread. */
final class Score {
  /** Of all schedules, at least one in so many has to show a thing, or the run shows too little. */
  private static final int REDIRECTED_ONE_IN = 3;

  private static final int UN_ENROLLED_ONE_IN = 20;
  private static final int IN_MID_STREAM_ONE_IN = 20;

  /** Of those of {@link Regime#TRAFFIC}. */
  private static final int LEFT_ONE_IN = 10;

  private static final int CAME_BACK_ONE_IN = 20;

  /** With fewer schedules than this, the events of a few groups decide what they show. */
  private static final int MEANINGFUL = 5_000;

  private long schedules;
  private long bytes;
  private long redirectedBytes;
  private long redirectedMessages;
  private long switches;
  private long enrolments;
  private long enrolledAfterKill;
  private long unEnrolments;
  private long withRedirects;
  private long withEnrolmentInMidStream;
  private long withUnEnrolment;
  private long byTraffic;
  private long leaves;
  private long returns;
  private long withLeave;
  private long withReturn;
  private final Map<Reason, Long> withReason = new EnumMap<>(Reason.class);
  private long resetsLost;
  private long mismatches;

  /**
   * @param killedNanos when its helper was killed, by the clock of the flow records
   */
  void count(Connection connection, Regime regime, long killedNanos) {
    schedules++;
    if (regime == Regime.TRAFFIC) {
      byTraffic++;
      countDecisions(connection);
    }
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
      enrolledAfterKill += seen.last().enrolledNanos() > killedNanos ? 1 : 0;
      unEnrolments += seen.unEnrolments;
      redirected |= seen.last().redirectedMessages() > 0;
      inMidStream |= seen.enrolmentsInMidStream > 0;
      left |= seen.unEnrolments > 0;
    }
    withRedirects += redirected ? 1 : 0;
    withEnrolmentInMidStream += inMidStream ? 1 : 0;
    withUnEnrolment += left ? 1 : 0;
    resetsLost += connection.resetsLost();
    mismatches += connection.failure() == null ? 0 : 1;
  }

  /** What the traffic has decided: both ends follow, as a rule, but count once. */
  private void countDecisions(Connection connection) {
    long left = 0;
    long returned = 0;
    Set<Reason> reasons = EnumSet.noneOf(Reason.class);
    for (End end : connection.ends()) {
      left = Math.max(left, end.observed.leaves);
      returned = Math.max(returned, end.observed.returns);
      reasons.addAll(end.observed.reasons);
    }
    leaves += left;
    returns += returned;
    withLeave += left > 0 ? 1 : 0;
    withReturn += returned > 0 ? 1 : 0;
    reasons.forEach(reason -> withReason.merge(reason, 1L, Long::sum));
  }

  long schedules() {
    return schedules;
  }

  long redirectedMessages() {
    return redirectedMessages;
  }

  /** Ends that the next helper has enrolled, or enrolled again. */
  long enrolledAfterKill() {
    return enrolledAfterKill;
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
    require(missing, "had redirected bytes", withRedirects, schedules, REDIRECTED_ONE_IN);
    require(
        missing,
        "were enrolled in mid-stream",
        withEnrolmentInMidStream,
        schedules,
        IN_MID_STREAM_ONE_IN);
    require(missing, "were un-enrolled", withUnEnrolment, schedules, UN_ENROLLED_ONE_IN);
    require(missing, "left by themselves", withLeave, byTraffic, LEFT_ONE_IN);
    require(missing, "came back by themselves", withReturn, byTraffic, CAME_BACK_ONE_IN);
    return missing;
  }

  private static void require(List<String> missing, String what, long count, long of, int oneIn) {
    if (count < of / oneIn) {
      missing.add("only %,d of %,d schedules %s".formatted(count, of, what));
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
    taken up by traffic  %,15d
      left by themselves %,15d
        one-way          %,15d
        behind           %,15d
        contended        %,15d
      came back          %,15d
    bytes compared       %,15d
    bytes redirected     %,15d
    messages redirected  %,15d
    enrolments           %,15d
      after a kill       %,15d
    un-enrolments        %,15d
    left by themselves   %,15d
    came back            %,15d
    switches             %,15d
    resets lost by TCP   %,15d
    mismatches           %,15d
    """
        .formatted(
            schedules,
            withRedirects,
            withEnrolmentInMidStream,
            withUnEnrolment,
            byTraffic,
            withLeave,
            withReason.getOrDefault(Reason.ONE_WAY, 0L),
            withReason.getOrDefault(Reason.BEHIND, 0L),
            withReason.getOrDefault(Reason.CONTENDED, 0L),
            withReturn,
            bytes,
            redirectedBytes,
            redirectedMessages,
            enrolments,
            enrolledAfterKill,
            unEnrolments,
            leaves,
            returns,
            switches,
            resetsLost,
            mismatches);
  }
}
