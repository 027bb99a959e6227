/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.accel;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class SweepBudgetTest {
  private static final long MILLI = 1_000_000;

  private final SweepBudget budget = new SweepBudget(0);

  @Test
  void someSweepsAfterARestCostNoPause() {
    long now = 0;
    for (int i = 0; i < 20; i++) {
      assertEquals(0, budget.spend(now, now + MILLI / 10));
      now += MILLI / 10;
    }
  }

  @Test
  void overTimeATwentiethIsSpent() {
    long now = 0;
    long swept = 0;
    while (now < 10_000 * MILLI) {
      long pause = budget.spend(now, now + MILLI);
      swept += MILLI;
      now += MILLI + pause;
    }
    assertTrue(swept < 510 * MILLI && swept > 450 * MILLI, swept + " ns of 10 s");
  }

  @Test
  void aSweepThatWasStoppedInTheMiddleDelaysTheNextByASecond() {
    assertEquals(1_000 * MILLI, budget.spend(0, 75_000 * MILLI));
  }

  @Test
  void noMoreIsSavedUpThanAFewSweeps() {
    assertEquals(0, budget.spend(3_600_000 * MILLI, 3_600_000 * MILLI));
    assertEquals(0, budget.spend(3_600_001 * MILLI, 3_600_003 * MILLI));
    assertTrue(budget.spend(3_600_003 * MILLI, 3_600_004 * MILLI) >= 15 * MILLI);
  }
}
