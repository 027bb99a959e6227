/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.cli;

import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Text in columns, as wide as their widest cell. */
final class Table {
  private static final String GAP = "  ";

  private final List<String> headings;
  private final List<List<String>> rows = new ArrayList<>();

  /** With headings; one that begins with {@code >} makes its column flush right. */
  Table(List<String> headings) {
    this.headings = headings;
    rows.add(headings.stream().map(h -> isRight(h) ? h.substring(1) : h).toList());
  }

  void row(Object... cells) {
    if (cells.length != headings.size()) {
      throw new IllegalArgumentException(cells.length + " cells in " + headings.size());
    }
    rows.add(Arrays.stream(cells).map(Object::toString).toList());
  }

  void print(PrintWriter out) {
    int[] widths = new int[headings.size()];
    for (List<String> row : rows) {
      for (int i = 0; i < widths.length; i++) {
        widths[i] = Math.max(widths[i], row.get(i).length());
      }
    }
    for (List<String> row : rows) {
      StringBuilder line = new StringBuilder();
      for (int i = 0; i < widths.length; i++) {
        String padding = " ".repeat(widths[i] - row.get(i).length());
        line.append(i == 0 ? "" : GAP);
        line.append(isRight(headings.get(i)) ? padding + row.get(i) : row.get(i) + padding);
      }
      out.println(line.toString().stripTrailing());
    }
  }

  private static boolean isRight(String heading) {
    return heading.startsWith(">");
  }
}
