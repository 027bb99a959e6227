/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.samples.bench;

import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;

/** Sums a report up: its worst row, the rows below a floor, and how quiet the run was. */
final class Verdict {

  private Verdict() {}

  static String of(List<Row> all, double floor) {
    List<Row> rows = rows(all, false);
    List<Row> controls = rows(all, true);
    if (rows.isEmpty()) {
      return "";
    }
    StringBuilder text = new StringBuilder();
    text.append("Minimum: ").append(line(rows.getFirst())).append(".\n\n");
    List<Row> below = rows.stream().filter(row -> row.ratio() < floor).toList();
    text.append("Below %.2f: %d of %d rows.%n".formatted(floor, below.size(), rows.size()));
    below.forEach(row -> text.append("- ").append(line(row)).append('\n'));
    if (!controls.isEmpty()) {
      long loud = controls.stream().filter(row -> Math.abs(row.ratio() - 1) > Plan.QUIET).count();
      text.append(
          "%nControls (plain against plain): %.3f to %.3f; %d of %d beyond %.0f %%.%n"
              .formatted(
                  controls.getFirst().ratio(),
                  controls.getLast().ratio(),
                  loud,
                  controls.size(),
                  100 * Plan.QUIET));
    }
    return text.toString();
  }

  /**
   * How the cost of a row grows with its number, plain and accelerated: each row against the one of
   * its layout with the lowest number.
   *
   * @param parameter which number
   */
  static String flatness(List<Row> all, String parameter) {
    Map<Object, List<Row>> layouts =
        rows(all, false).stream()
            .sorted(Comparator.comparing(row -> (Integer) row.params().get(parameter)))
            .collect(
                Collectors.groupingBy(
                    row -> row.params().get("pinning"), TreeMap::new, Collectors.toList()));
    StringBuilder text = new StringBuilder();
    for (List<Row> rows : layouts.values()) {
      Row least = rows.getFirst();
      for (Row row : rows.subList(1, rows.size())) {
        text.append(
            "%n%s costs %.2f times the first of its layout (plain: %.2f; ratio %.2f times the first's)."
                .formatted(
                    row.name(),
                    row.accelerated() / least.accelerated(),
                    row.plain() / least.plain(),
                    row.ratio() / least.ratio()));
      }
    }
    return text.append('\n').toString();
  }

  /** Those that have a ratio, the lowest first. References are neither rows nor controls. */
  private static List<Row> rows(List<Row> all, boolean controls) {
    return all.stream()
        .filter(row -> row.ratio() != null && row.accelerated() != null)
        .filter(row -> row.name().startsWith(Row.CONTROL) == controls)
        .filter(row -> !row.name().startsWith(Row.AGAINST))
        .sorted(Comparator.comparing(Row::ratio))
        .toList();
  }

  private static String line(Row row) {
    return "%s: %.3f (%.2f to %.2f)"
        .formatted(row.name(), row.ratio(), row.lowest(), row.highest());
  }
}
