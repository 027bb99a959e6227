/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.samples.bench;

import java.io.IOException;
import java.util.List;
import java.util.function.Predicate;

/** Many connections at once: whether a message costs the same whatever their number. */
final class ManySuite extends TurnSuite {

  private static final List<Integer> FLOWS = List.of(10, 100, 1000, 10_000);
  private static final double FLOOR = 0.97;

  ManySuite() {
    super(Unit.MICROS, FLOWS, FLOWS);
  }

  @Override
  public String name() {
    return "many";
  }

  /** A round must come by each of 10,000 connections, and the warm-up often enough to be judged. */
  @Override
  public Plan usual() {
    return new Plan(9, 1, 600, 3000, true);
  }

  @Override
  public String explanation() {
    return """
        One pair of JVMs with so many connections open at once. An event loop on either end, one thread and one selector; the \
        client sends a message of %d bytes on one connection, waits for the answer of the same size, and goes on to \
        the next. The figure is the mean time of an exchange."""
        .formatted(ManySide.SIZE);
  }

  @Override
  public List<Row> run(Lab lab) throws IOException {
    int most =
        FLOWS.stream()
            .filter(flows -> wanted(lab.selection(), flows))
            .mapToInt(Integer::intValue)
            .max()
            .orElse(0);
    OpenFiles.check(name(), most);
    return super.run(lab);
  }

  private boolean wanted(Selection selection, int flows) {
    Predicate<String> inAnyLayout = selection::wantsName;
    return selection.wantsNumber(flows)
        && List.of(", one core", ", two cores").stream()
            .map(layout -> rowName(flows) + layout)
            .anyMatch(inAnyLayout);
  }

  @Override
  String parameter() {
    return "flows";
  }

  @Override
  String rowName(int flows) {
    return "many, %d flows".formatted(flows);
  }

  @Override
  Side side(JvmPair pair, int flows) {
    return new ManySide(pair, flows);
  }

  @Override
  public String verdict(List<Row> rows) {
    return Verdict.of(rows, FLOOR) + Verdict.flatness(rows, parameter());
  }
}
