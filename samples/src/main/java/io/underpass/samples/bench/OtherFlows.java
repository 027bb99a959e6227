/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.samples.bench;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/**
 * Connections of a JVM with the agent that are not accelerated, since the other end's process has
 * no agent: what they pay for those that are.
 */
final class OtherFlows {

  private static final String PREFIX = "flow to a process without the agent: ";
  private static final int MESSAGE = 1024;
  private static final int LARGE = 65_536;

  private OtherFlows() {}

  /** Measures them beside pairs that have no agent at all; while there is a helper. */
  static List<Row> measure(Lab lab) throws IOException {
    Tally tally = new Tally(lab.plan());
    List<Row> rows = new ArrayList<>();
    for (Pinning pinning : lab.pinnings()) {
      List<Cell> cells =
          cells(pinning).stream().filter(cell -> lab.selection().wantsName(name(cell))).toList();
      if (cells.isEmpty()) {
        continue;
      }
      try (JvmPair plain = lab.plainPair(Side.PLAIN, pinning);
          JvmPair other = lab.callerWithAgentPair(pinning);
          JvmPair control = lab.controlPair(pinning)) {
        for (Cell cell : cells) {
          tally.measure(
              name(cell), 0, List.of(cell.side(plain), cell.side(other), cell.side(control)));
          rows.add(row(tally, cell, "", Side.ACCELERATED));
          if (lab.selection().controls()) {
            rows.add(row(tally, cell, Row.CONTROL, Side.CONTROL));
          }
          lab.say("  " + name(cell));
        }
      }
    }
    return rows;
  }

  private static List<Cell> cells(Pinning pinning) {
    List<Cell> cells = new ArrayList<>();
    for (Transport transport : List.of(Transport.SOCKET, Transport.SELECTOR)) {
      cells.add(new Cell(Shape.REQUEST_RESPONSE, MESSAGE, pinning, transport));
      cells.add(new Cell(Shape.STREAM, LARGE, pinning, transport));
    }
    return cells;
  }

  private static String name(Cell cell) {
    return PREFIX + cell.name();
  }

  private static Row row(Tally tally, Cell cell, String prefix, String label) {
    Series other = tally.series(name(cell), label);
    return Row.compare(
        prefix + name(cell),
        cell.params(other),
        cell.shape().unit(),
        tally.series(name(cell), Side.PLAIN),
        other);
  }
}
