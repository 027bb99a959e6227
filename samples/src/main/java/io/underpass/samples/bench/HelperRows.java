/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.samples.bench;

import io.underpass.protocol.FlowView;
import io.underpass.protocol.HelperClient;
import io.underpass.protocol.Wire;
import io.underpass.samples.process.ProcessorTime;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** What connections that are open and idle cost the helper, and whoever asks it. */
final class HelperRows {

  private static final String SETTLED = ": settled, processor time in 10 s";
  private static final String UNDECIDED = ": undecided, processor time in 10 s";
  private static final String FLOWS = ": FLOWS limit=" + Wire.MAX_FLOWS;
  private static final String STATUS = ": STATUS";

  /** What stands behind these two where it is the time of all threads. */
  private static final String ALL = ", with the JVM's threads";

  /** What the names of the helper's own threads begin with. */
  private static final String OWN = "underpass-";

  /** How long the helper is looked at, and how often; the median counts. */
  private static final long REST_MILLIS = 10_000;

  private static final int REST_TIMES = 3;

  /** How often the helper is asked; the median counts. */
  private static final int ASKED = 20;

  /** Before those that are counted: both ends are JVMs. */
  private static final int UNCOUNTED = 5;

  /** The parameter that says what a figure should be at most, in the row's unit. */
  private static final String WANTED = "wanted";

  /** Of {@link #REST_MILLIS}, in microseconds. */
  private static final double REST_WANTED = 1000;

  /** In milliseconds. */
  private static final double ANSWER_WANTED = 50;

  private HelperRows() {}

  /** None where the selection wants none of them, or there is no helper. */
  static List<Row> measure(Lab lab, int flows) throws IOException {
    String name = "helper, %d flows".formatted(flows);
    List<Row> rows = new ArrayList<>();
    if (!lab.plan().accelerate()) {
      return rows;
    }
    Pinning pinning = Pinning.available().getLast();
    if (wantsAny(lab, name, SETTLED + ALL, FLOWS, STATUS)) {
      lab.say("  " + name + ": settled");
      try (JvmPair pair = lab.acceleratedPair(pinning, IdleFlows.JOIN);
          IdleFlows _ = IdleFlows.settled(pair, flows, true);
          HelperClient helper = lab.askHelper()) {
        rows.addAll(atRest(lab, helper, name + SETTLED, flows, REST_WANTED));
        rows.add(answer(name + FLOWS, flows, () -> helper.flows(Wire.MAX_FLOWS)));
        rows.add(answer(name + STATUS, flows, helper::status));
      }
    }
    if (wantsAny(lab, name, UNDECIDED + ALL)) {
      lab.say("  " + name + ": undecided");
      try (JvmPair pair = lab.acceleratedPair(pinning, IdleFlows.JOIN);
          IdleFlows _ = IdleFlows.undecided(pair, flows);
          HelperClient helper = lab.askHelper()) {
        rows.addAll(atRest(lab, helper, name + UNDECIDED, flows, null));
      }
    }
    return rows;
  }

  private static boolean wantsAny(Lab lab, String name, String... rows) {
    return List.of(rows).stream().anyMatch(row -> lab.selection().wantsName(name + row));
  }

  /**
   * The time of the helper's own threads, and of all: those that any JVM has (monitor deflation,
   * periodic tasks) use more than is wanted of the helper.
   *
   * @param wanted null where nothing is
   */
  private static List<Row> atRest(
      Lab lab, HelperClient helper, String name, int flows, Double wanted) throws IOException {
    Lab.pause(lab.plan().warmUpMillis());
    double[] own = new double[REST_TIMES];
    double[] all = new double[REST_TIMES];
    for (int i = 0; i < REST_TIMES; i++) {
      ProcessorTime before = ProcessorTime.of(lab.helper().pid());
      Lab.pause(REST_MILLIS);
      ProcessorTime after = ProcessorTime.of(lab.helper().pid());
      own[i] = after.since(before, OWN) / 1000.0;
      all[i] = after.since(before, "") / 1000.0;
    }
    // Only now, since it costs the helper something.
    List<FlowView> shown = helper.flows(Wire.MAX_FLOWS);
    Map<String, Object> params = new LinkedHashMap<>();
    params.put("flows", flows);
    params.put("shown", shown.size());
    params.put("shownAccelerated", shown.stream().filter(FlowView::accelerated).count());
    Row allThreads = Row.figure(name + ALL, params, Unit.MICROS, Series.median(all));
    Map<String, Object> ownParams = new LinkedHashMap<>(params);
    ownParams.put("each", own);
    if (wanted != null) {
      ownParams.put(WANTED, wanted);
    }
    return List.of(Row.figure(name, ownParams, Unit.MICROS, Series.median(own)), allThreads);
  }

  /** A question to the helper. */
  @FunctionalInterface
  private interface Question {
    Object ask() throws IOException;
  }

  private static Row answer(String name, int flows, Question question) throws IOException {
    double[] millis = new double[ASKED];
    for (int i = -UNCOUNTED; i < ASKED; i++) {
      long begin = System.nanoTime();
      question.ask();
      double took = (System.nanoTime() - begin) / 1e6;
      if (i >= 0) {
        millis[i] = took;
      }
    }
    return Row.figure(
        name,
        Map.of("flows", flows, "longest", Series.percentile(100, millis), WANTED, ANSWER_WANTED),
        Unit.MILLIS,
        Series.median(millis));
  }

  /** Which figures are beyond what is wanted of them. */
  static String verdict(List<Row> all) {
    List<Row> rows = all.stream().filter(row -> row.params().containsKey(WANTED)).toList();
    if (rows.isEmpty()) {
      return "";
    }
    List<Row> beyond = rows.stream().filter(row -> row.value() > wanted(row)).toList();
    StringBuilder text = new StringBuilder();
    text.append("Beyond what is wanted: %d of %d rows.%n".formatted(beyond.size(), rows.size()));
    for (Row row : beyond) {
      text.append(
          "- %s: %.1f %s, wanted: %.0f at most%n"
              .formatted(row.name(), row.value(), row.unit().symbol(), wanted(row)));
    }
    return text.toString();
  }

  private static double wanted(Row row) {
    return (Double) row.params().get(WANTED);
  }
}
