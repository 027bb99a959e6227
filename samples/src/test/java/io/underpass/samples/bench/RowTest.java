/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.samples.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Map;
import org.junit.jupiter.api.Test;

class RowTest {

  private static final double EXACT = 1e-12;

  @Test
  void theRatioIsTheMedianOfThePairsRatiosAndNotTheRatioOfTheMedians() {
    Row row = Row.compare("x", Map.of(), Unit.MICROS, series(10, 20, 90), series(5, 20, 10));

    assertEquals(2, row.ratio(), EXACT); // of 2, 1 and 9; the medians alone would say 20 / 10
    assertEquals(20, row.plain(), EXACT);
    assertEquals(10, row.accelerated(), EXACT);
    assertEquals(1, row.lowest(), EXACT);
    assertEquals(9, row.highest(), EXACT);
    assertEquals(3, row.rounds());
  }

  @Test
  void moreIsBetterForARateAndLessForATime() {
    assertEquals(2, Row.compare("x", Map.of(), Unit.MICROS, series(10), series(5)).ratio(), EXACT);
    assertEquals(
        2,
        Row.compare("x", Map.of(), Unit.MEGABYTES_PER_SECOND, series(5), series(10)).ratio(),
        EXACT);
  }

  @Test
  void anEvenNumberOfPairsHasItsMedianBetweenTheTwoInTheMiddle() {
    Row row =
        Row.compare(
            "x", Map.of(), Unit.CONNECTIONS_PER_SECOND, series(1, 1, 1, 1), series(4, 1, 3, 2));

    assertEquals(2.5, row.ratio(), EXACT);
  }

  @Test
  void aReferenceIsNoAcceleratedFigure() {
    Row row = Row.reference("x", Map.of(), Unit.MICROS, series(12), series(4));

    assertNull(row.accelerated());
    assertEquals(4, row.value(), EXACT);
    assertEquals(3, row.ratio(), EXACT);
    assertTrue(row.name().startsWith(Row.REFERENCE));
  }

  @Test
  void theRedirectedShareIsOfTheOtherSidesPayload() {
    Series accelerated = new Series();
    accelerated.add(new Sample(1, 1, 300));
    accelerated.add(new Sample(1, 1, 100));
    accelerated.addRedirected(new Carried(60, 40));

    Row row = Row.compare("x", Map.of(), Unit.MICROS, series(1, 1), accelerated);

    assertEquals(0.25, row.redirectedShare(), EXACT);
    assertEquals(0.2, accelerated.share(accelerated.redirected().up(), 0.75), EXACT);
  }

  private static Series series(double... values) {
    Series series = new Series();
    for (double value : values) {
      series.add(new Sample(value, Double.NaN, 0));
    }
    return series;
  }
}
