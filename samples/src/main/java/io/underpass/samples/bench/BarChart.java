/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.samples.bench;

import java.util.List;

/** Draws the ratios of a report as horizontal bars, with a line where plain stands. */
final class BarChart {

  private static final int NAMES = 330;
  private static final int BARS = 420;
  private static final int LINE = 24;
  private static final int TOP = 44;

  private BarChart() {}

  /** {@return an SVG image} Rows without a ratio are left out. */
  static String of(String title, List<Row> all) {
    List<Row> rows =
        all.stream().filter(row -> row.ratio() != null && Double.isFinite(row.ratio())).toList();
    double most = Math.max(1.5, rows.stream().mapToDouble(Row::ratio).max().orElse(1));
    int height = TOP + LINE * rows.size() + 16;
    StringBuilder svg = new StringBuilder();
    svg.append(
        """
        <svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" font-family="sans-serif" font-size="12">
        <rect width="100%%" height="100%%" fill="white"/>
        <text x="8" y="20" font-size="14">%s: times as good as plain</text>
        """
            .formatted(NAMES + BARS + 60, height, escaped(title)));
    for (int i = 0; i < rows.size(); i++) {
      Row row = rows.get(i);
      int y = TOP + LINE * i;
      svg.append(
          """
          <text x="%d" y="%d" text-anchor="end">%s</text>
          <rect x="%d" y="%d" width="%.1f" height="%d" fill="%s"/>
          <text x="%.1f" y="%d">%.2f</text>
          """
              .formatted(
                  NAMES - 8,
                  y + 13,
                  escaped(row.name()),
                  NAMES,
                  y,
                  row.ratio() / most * BARS,
                  LINE - 6,
                  colour(row),
                  NAMES + row.ratio() / most * BARS + 6,
                  y + 13,
                  row.ratio()));
    }
    double one = NAMES + BARS / most;
    svg.append(
        """
        <line x1="%.1f" y1="%d" x2="%.1f" y2="%d" stroke="black" stroke-dasharray="3 3"/>
        </svg>
        """
            .formatted(one, TOP - 8, one, height - 8));
    return svg.toString();
  }

  private static String colour(Row row) {
    if (row.name().startsWith(Row.CONTROL) || row.name().startsWith(Row.REFERENCE)) {
      return "#b0b0b0";
    }
    return row.ratio() >= 1 ? "#3a7d44" : "#b5442e";
  }

  private static String escaped(String text) {
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;");
  }
}
