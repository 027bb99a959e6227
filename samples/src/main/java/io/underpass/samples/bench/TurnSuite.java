/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.samples.bench;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * A suite whose rows differ in one number, and that has no references: plain against accelerated
 * for each number, and plain against plain for some of them.
 */
abstract class TurnSuite implements Suite {

  private final Unit unit;
  private final List<Integer> numbers;
  private final List<Integer> controlNumbers;

  TurnSuite(Unit unit, List<Integer> numbers, List<Integer> controlNumbers) {
    this.unit = unit;
    this.numbers = numbers;
    this.controlNumbers = controlNumbers;
  }

  /** The name of the parameter that {@code number} is. */
  abstract String parameter();

  abstract String rowName(int number);

  abstract Side side(JvmPair pair, int number);

  @Override
  public List<Row> run(Lab lab) throws IOException {
    Tally tally = new Tally(lab.plan());
    List<Pinning> pinnings = lab.pinnings();
    for (int fork = 0; fork < lab.plan().forks(); fork++) {
      for (Pinning pinning : pinnings) {
        List<Integer> wanted = wanted(lab, pinning);
        if (!wanted.isEmpty()) {
          measure(lab, tally, fork, pinning, wanted);
        }
      }
    }
    List<Row> rows = new ArrayList<>();
    for (Pinning pinning : pinnings) {
      for (int number : wanted(lab, pinning)) {
        rows.add(row(tally, number, pinning, "", Side.ACCELERATED));
      }
      for (int number : wanted(lab, pinning)) {
        if (controlled(lab, number)) {
          rows.add(row(tally, number, pinning, Row.CONTROL, Side.CONTROL));
        }
      }
    }
    return rows;
  }

  private List<Integer> wanted(Lab lab, Pinning pinning) {
    return numbers.stream()
        .filter(lab.selection()::wantsNumber)
        .filter(number -> lab.selection().wantsName(fullName(number, pinning)))
        .toList();
  }

  private boolean controlled(Lab lab, int number) {
    return lab.selection().controls() && controlNumbers.contains(number);
  }

  private void measure(Lab lab, Tally tally, int fork, Pinning pinning, List<Integer> wanted)
      throws IOException {
    try (JvmPair plain = lab.plainPair(Side.PLAIN, pinning);
        JvmPair accelerated = lab.acceleratedPair(pinning);
        JvmPair control = lab.controlPair(pinning)) {
      for (int number : wanted) {
        List<Side> sides = new ArrayList<>(List.of(side(plain, number), side(accelerated, number)));
        if (controlled(lab, number)) {
          sides.add(side(control, number));
        }
        tally.measure(fullName(number, pinning), fork, sides);
      }
    }
  }

  private Row row(Tally tally, int number, Pinning pinning, String prefix, String other) {
    String name = fullName(number, pinning);
    return Row.compare(
        prefix + name,
        Map.of(parameter(), number, "pinning", pinning.name()),
        unit,
        tally.series(name, Side.PLAIN),
        tally.series(name, other));
  }

  private String fullName(int number, Pinning pinning) {
    return rowName(number) + ", " + pinning.name();
  }
}
