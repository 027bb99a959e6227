/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.samples.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.underpass.Reason;
import io.underpass.protocol.FlowView;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class SweepSuiteTest {

  private static final int SIZE = 1024;
  private static final double EXACT = 1e-12;

  private static final FlowView.Counters NONE = FlowView.Counters.ZERO;

  /** A byte more, as the kernel counts the SYN of who connects. */
  @Test
  void theFirstRedirectedMessageComesAfterThoseThatTcpCarried() {
    FirstRedirect first = FirstRedirect.of(flow(some(90), 3 * SIZE + 1, some(89), 4 * SIZE), SIZE);

    assertEquals(new FirstRedirect(3, 4), first);
    assertTrue(first.happened());
  }

  @Test
  void aDirectionWithoutARedirectHasNoFirst() {
    FlowView upOnly = flow(some(1), 7 * SIZE, NONE, 8 * SIZE);
    FlowView neither = flow(NONE, 7 * SIZE, NONE, 7 * SIZE);

    assertEquals(new FirstRedirect(7, FirstRedirect.NONE), FirstRedirect.of(upOnly, SIZE));
    assertTrue(FirstRedirect.of(upOnly, SIZE).happened());
    assertFalse(FirstRedirect.of(neither, SIZE).happened());
  }

  @Test
  void theEarlierOfTheTwoDirectionsCounts() {
    long[] sent = {10, 20, 30};
    long[] answered = {15, 25, 35};

    assertEquals(20, Newcomer.earlier(sent, 1, answered, 1));
    assertEquals(15, Newcomer.earlier(sent, 1, answered, 0));
    assertEquals(30, Newcomer.earlier(sent, 2, answered, FirstRedirect.NONE));
    assertEquals(35, Newcomer.earlier(sent, FirstRedirect.NONE, answered, 2));
  }

  @Test
  void newcomersThatWereNeverRedirectedAreCountedAndHaveNoTime() {
    List<Row> rows =
        NewcomerRows.redirects(
            "x",
            Map.of("flows", 10),
            List.of(
                new Arrival(1, 300, 9, false),
                Arrival.plain(1),
                new Arrival(1, 100, 3, true),
                new Arrival(1, 200, 5, false)));

    assertEquals(List.of(200.0, 300.0, 300.0), rows.stream().map(Row::value).toList());
    assertEquals(
        Map.of("flows", 10, "newcomers", 4, "redirected", 3, "wentBack", 1L, "messagesBefore", 5.0),
        rows.getFirst().params());
    assertEquals(List.of(), NewcomerRows.redirects("x", Map.of(), List.of(Arrival.plain(1))));
  }

  @Test
  void aPercentileIsOneOfTheValues() {
    double[] ten = {10, 9, 8, 7, 6, 5, 4, 3, 2, 1};

    assertEquals(9, Series.percentile(90, ten), EXACT);
    assertEquals(10, Series.percentile(91, ten), EXACT);
    assertEquals(10, Series.percentile(100, ten), EXACT);
    assertEquals(1, Series.percentile(0, ten), EXACT);
    assertEquals(7, Series.percentile(90, 7), EXACT);
    assertTrue(Double.isNaN(Series.percentile(90)));
  }

  @Test
  void theVerdictNamesWhatIsBeyondWhatIsWanted() {
    String verdict =
        new SweepSuite()
            .verdict(
                List.of(
                    Row.figure("first", Map.of(), Unit.MICROS, 1e9),
                    Row.figure("rest", Map.of("wanted", 1000.0), Unit.MICROS, 1000),
                    Row.figure("answer", Map.of("wanted", 50.0), Unit.MILLIS, 61.25)));

    assertEquals(
        List.of("Beyond what is wanted: 1 of 2 rows.", "- answer: 61.3 ms, wanted: 50 at most"),
        verdict.lines().toList());
    assertEquals("", new SweepSuite().verdict(List.of()));
  }

  private static FlowView.Counters some(long messages) {
    return new FlowView.Counters(messages * SIZE, messages, 0, 0);
  }

  private static FlowView flow(
      FlowView.Counters tx, long tcpSent, FlowView.Counters rx, long tcpReceived) {
    return new FlowView(
        1, "127.0.0.1:1", "127.0.0.1:2", 1, true, Reason.NONE, 1, tx, rx, tcpSent, tcpReceived, 1);
  }
}
