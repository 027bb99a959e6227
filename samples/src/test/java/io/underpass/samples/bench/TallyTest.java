/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.samples.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TallyTest {

  private static final long ROUND = 7;
  private static final long WARM_UP = 3;

  /** What was asked of all sides, in order. */
  private final List<String> turns = new ArrayList<>();

  /** A side that always comes to the same. */
  private final class Fixed implements Side {

    private final String label;
    private final double value;
    private boolean open;

    Fixed(String label, double value) {
      this.label = label;
      this.value = value;
    }

    @Override
    public String label() {
      return label;
    }

    @Override
    public void begin() {
      open = true;
    }

    @Override
    public Sample measure(long millis) {
      assertTrue(open);
      turns.add(label + millis);
      return new Sample(value, Double.NaN, 0);
    }

    @Override
    public void end() {
      open = false;
    }
  }

  @Test
  void everySideIsWarmedUpAndThenTheyTakeTurns() throws IOException {
    measure(new Plan(2, 1, ROUND, WARM_UP, false), 10);

    assertEquals(List.of("plain3", "control3", "plain7", "control7", "plain7", "control7"), turns);
  }

  @ParameterizedTest
  @CsvSource({"10.1, 3, 3", "10.5, 3, 9", "9.5, 3, 9", "10.5, 1, 3"})
  void aNoisyControlGetsMoreRoundsAsFarAsThePlanAllows(double control, int most, int rounds)
      throws IOException {
    Tally tally = measure(new Plan(3, 1, ROUND, WARM_UP, false, most), control);

    assertEquals(rounds, tally.series("row", Side.PLAIN).size());
    assertEquals(rounds, tally.series("row", Side.CONTROL).size());
  }

  private Tally measure(Plan plan, double control) throws IOException {
    Tally tally = new Tally(plan);
    tally.measure("row", 0, List.of(new Fixed(Side.PLAIN, 10), new Fixed(Side.CONTROL, control)));
    return tally;
  }
}
