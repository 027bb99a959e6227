/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.samples.bench;

import io.underpass.protocol.HelperClient;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ThreadLocalRandom;
import java.util.stream.Stream;

/** How soon a connection is taken up that is made while others are open and idle. */
final class NewcomerRows {

  private static final String ANSWER = ": first answer";
  private static final String MEDIAN = ": first redirect, median";
  private static final String MOST = ": first redirect, 90th percentile";
  private static final String LONGEST = ": first redirect, longest";

  /** Before those that are counted. */
  private static final int UNCOUNTED = 20;

  /** Before each there is a pause of up to so long, lest they keep step with a timer. */
  private static final int PAUSE_MILLIS = 20;

  private NewcomerRows() {}

  /** None where the selection wants none of them. */
  static List<Row> measure(Lab lab, Pinning pinning, int flows) throws IOException {
    String name = "newcomer among %d flows, %s".formatted(flows, pinning.name());
    if (Stream.of(ANSWER, MEDIAN, MOST, LONGEST)
        .noneMatch(row -> lab.selection().wantsName(name + row))) {
      return List.of();
    }
    lab.say("  " + name);
    boolean accelerate = lab.plan().accelerate();
    Series plainAnswers = new Series();
    Series answers = new Series();
    List<Arrival> arrivals = new ArrayList<>();
    try (JvmPair plain = lab.plainPair(Side.PLAIN, pinning);
        JvmPair accelerated = lab.acceleratedPair(pinning, IdleFlows.JOIN);
        HelperClient helper = accelerate ? lab.askHelper() : null;
        IdleFlows plainFlows = IdleFlows.settled(plain, flows, false);
        IdleFlows acceleratedFlows = IdleFlows.settled(accelerated, flows, accelerate)) {
      long millis = lab.plan().roundMillis();
      for (int i = -UNCOUNTED; i < lab.plan().pairs(); i++) {
        Arrival first = plainFlows.arrive(millis);
        Lab.pause(ThreadLocalRandom.current().nextInt(PAUSE_MILLIS));
        Arrival second =
            accelerate ? acceleratedFlows.arrive(millis, helper) : acceleratedFlows.arrive(millis);
        if (i >= 0) {
          plainAnswers.add(new Sample(first.firstAnswer(), Double.NaN, 0));
          answers.add(new Sample(second.firstAnswer(), Double.NaN, 0));
          arrivals.add(second);
        }
      }
    }
    Map<String, ?> params = Map.of("flows", flows, "pinning", pinning.name());
    List<Row> rows = new ArrayList<>();
    rows.add(Row.compare(name + ANSWER, params, Unit.MICROS, plainAnswers, answers));
    rows.addAll(redirects(name, params, arrivals));
    return rows;
  }

  /** None where none was redirected. */
  static List<Row> redirects(String name, Map<String, ?> params, List<Arrival> arrivals) {
    List<Arrival> redirected = arrivals.stream().filter(Arrival::redirected).toList();
    if (redirected.isEmpty()) {
      return List.of();
    }
    Map<String, Object> all = new LinkedHashMap<>(params);
    all.put("newcomers", arrivals.size());
    all.put("redirected", redirected.size());
    all.put("wentBack", redirected.stream().filter(Arrival::wentBack).count());
    all.put(
        "messagesBefore",
        Series.median(redirected.stream().mapToDouble(Arrival::before).toArray()));
    double[] micros = redirected.stream().mapToDouble(Arrival::redirect).toArray();
    return List.of(
        Row.figure(name + MEDIAN, all, Unit.MICROS, Series.median(micros)),
        Row.figure(name + MOST, all, Unit.MICROS, Series.percentile(90, micros)),
        Row.figure(name + LONGEST, all, Unit.MICROS, Series.percentile(100, micros)));
  }
}
