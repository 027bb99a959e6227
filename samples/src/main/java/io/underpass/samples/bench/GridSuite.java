/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.samples.bench;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/**
 * Shapes of traffic by sizes by processors by Java's interfaces: where acceleration gains, and that
 * it loses nowhere.
 */
final class GridSuite implements Suite {

  /** A cell may be so much slower than plain, and no more. */
  static final double FLOOR = 0.97;

  /** What each shape and interface is compiled with before the first cell. */
  private static final int COMPILED_SIZE = 4096;

  /** For so many warm-ups: on one core the compilers share the processor with what they compile. */
  private static final int COMPILING = 3;

  @Override
  public String name() {
    return "grid";
  }

  /** Many cells: short rounds, one set of JVMs for each layout. */
  @Override
  public Plan usual() {
    return new Plan(9, 1, 200, 500, true);
  }

  @Override
  public String explanation() {
    return """
        Request/response of one size; a one-way stream of writes; exchanges of uneven sizes (down: a request of %d B \
        and an answer of the size, up: the reverse). Blocking `java.net.Socket`, or a non-blocking `SocketChannel` with a \
        `Selector`, on both ends, with TCP_NODELAY. Every cell has connections of its own; the JVMs of a layout serve all of its \
        cells, and ran every shape before the first. The figure is the mean time of an exchange in a round, or what the \
        stream's reader got, in 10^6 bytes a second. Each cell has its control row. \
        `redirectedUp` and `redirectedDown` in the JSON are the shares of either direction."""
        .formatted(Shape.SMALL);
  }

  @Override
  public List<Row> run(Lab lab) throws IOException {
    Tally tally = new Tally(lab.plan());
    List<Row> rows = new ArrayList<>();
    for (Pinning pinning : lab.pinnings()) {
      List<Cell> cells =
          Cell.all(pinning).stream()
              .filter(cell -> lab.selection().wantsName(cell.name()))
              .filter(cell -> lab.selection().wantsNumber(cell.size()))
              .toList();
      for (int fork = 0; fork < lab.plan().forks() && !cells.isEmpty(); fork++) {
        measure(lab, tally, fork, pinning, cells);
      }
      cells.forEach(cell -> rows.addAll(rows(lab, tally, cell)));
    }
    return rows;
  }

  private static void measure(Lab lab, Tally tally, int fork, Pinning pinning, List<Cell> cells)
      throws IOException {
    try (JvmPair plain = lab.plainPair(Side.PLAIN, pinning);
        JvmPair accelerated = lab.acceleratedPair(pinning);
        JvmPair control = lab.controlPair(pinning)) {
      List<JvmPair> pairs =
          lab.selection().controls()
              ? List.of(plain, accelerated, control)
              : List.of(plain, accelerated);
      compile(lab.plan(), pairs, cells);
      for (Cell cell : cells) {
        tally.measure(cell.name(), fork, pairs.stream().map(cell::side).toList());
        if (fork == lab.plan().forks() - 1) {
          lab.say(progress(rows(lab, tally, cell)));
        }
      }
    }
  }

  /** Has every JVM compile what the cells need, so that the first cell is like the last. */
  private static void compile(Plan plan, List<JvmPair> pairs, List<Cell> cells) throws IOException {
    List<Cell> kinds =
        cells.stream()
            .map(cell -> new Cell(cell.shape(), COMPILED_SIZE, cell.pinning(), cell.transport()))
            .distinct()
            .toList();
    for (Cell kind : kinds) {
      for (JvmPair pair : pairs) {
        Side side = kind.side(pair);
        side.begin();
        side.measure(COMPILING * plan.warmUpMillis());
        side.end();
      }
    }
  }

  private static List<Row> rows(Lab lab, Tally tally, Cell cell) {
    List<Row> rows = new ArrayList<>();
    rows.add(row(tally, cell, "", Side.ACCELERATED));
    if (lab.selection().controls()) {
      rows.add(row(tally, cell, Row.CONTROL, Side.CONTROL));
    }
    return rows;
  }

  private static Row row(Tally tally, Cell cell, String prefix, String label) {
    Series other = tally.series(cell.name(), label);
    return Row.compare(
        prefix + cell.name(),
        cell.params(other),
        cell.shape().unit(),
        tally.series(cell.name(), Side.PLAIN),
        other);
  }

  private static String progress(List<Row> rows) {
    Row row = rows.getFirst();
    String control = rows.size() > 1 ? ", control %.3f".formatted(rows.get(1).ratio()) : "";
    return "  %-55s %7.3f  (%.2f to %.2f%s, redirected %.2f)"
        .formatted(
            row.name(), row.ratio(), row.lowest(), row.highest(), control, row.redirectedShare());
  }

  @Override
  public String verdict(List<Row> rows) {
    return Verdict.of(rows, FLOOR);
  }
}
