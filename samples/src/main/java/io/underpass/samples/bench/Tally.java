/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.samples.bench;

import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Measures sides in turn, and keeps what each came to, row by row. Used by one thread. */
final class Tally {

  private final Plan plan;
  private final Map<String, Map<String, Series>> rows = new HashMap<>();

  Tally(Plan plan) {
    this.plan = plan;
  }

  /**
   * Warms every side up, then measures them in turn: A B A B. All are open for the whole time,
   * those whose turn it is not blocked in a read. While the row's control shows noise, there are
   * more rounds, as many as the plan allows.
   */
  void measure(String row, int fork, List<? extends Side> sides) throws IOException {
    List<Side> open = new ArrayList<>();
    try {
      for (Side side : sides) {
        side.begin();
        open.add(side);
        side.measure(plan.warmUpMillis());
      }
      List<Carried> before = sides.stream().map(Side::redirected).toList();
      int rounds = plan.roundsIn(fork);
      for (int round = 0;
          round < rounds || (round < rounds * plan.most() && isNoisy(row));
          round++) {
        for (Side side : sides) {
          series(row, side.label()).add(side.measure(plan.roundMillis()));
        }
      }
      for (int i = 0; i < before.size(); i++) {
        Side side = sides.get(i);
        series(row, side.label()).addRedirected(side.redirected().minus(before.get(i)));
      }
    } finally {
      for (Side side : open) {
        side.end();
      }
    }
  }

  private boolean isNoisy(String row) {
    Series control = series(row, Side.CONTROL);
    if (control.size() == 0) {
      return false;
    }
    double ratio =
        Row.compare(row, Map.of(), Unit.MICROS, series(row, Side.PLAIN), control).ratio();
    return Math.abs(ratio - 1) > Plan.QUIET;
  }

  Series series(String row, String label) {
    return rows.computeIfAbsent(row, name -> new HashMap<>())
        .computeIfAbsent(label, name -> new Series());
  }
}
