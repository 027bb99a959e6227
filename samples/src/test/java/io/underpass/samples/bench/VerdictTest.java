/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.samples.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class VerdictTest {

  @Test
  void theWorstRowAndThoseBelowTheFloorAreNamedControlsAreNot() {
    String text =
        Verdict.of(
            List.of(
                row("good", 10, 5),
                row("bad", 10, 12.5),
                row("worse", 10, 20),
                row(Row.CONTROL + "good", 10, 10.1),
                row(Row.CONTROL + "bad", 10, 100)),
            0.97);

    assertTrue(text.startsWith("Minimum: worse: 0.500 "), text);
    assertTrue(text.contains("Below 0.97: 2 of 3 rows."), text);
    assertTrue(text.contains("- bad: 0.800 "), text);
    assertFalse(text.contains("- good"), text);
    assertTrue(text.contains("0.100 to 0.990; 1 of 2 beyond 2 %"), text);
  }

  @Test
  void nothingMeasuredNothingSaid() {
    assertEquals("", Verdict.of(List.of(), 0.97));
  }

  @Test
  void theCostIsSetAgainstTheLowestNumberOfItsLayout() {
    String text =
        Verdict.flatness(List.of(flows("few", 10, 8, 4), flows("many", 1000, 10, 8)), "flows");

    assertTrue(text.contains("many costs 2.00 times"), text);
    assertTrue(text.contains("(plain: 1.25; ratio 0.63 times"), text);
  }

  private static Row row(String name, double plain, double other) {
    return Row.compare(name, Map.of(), Unit.MICROS, series(plain), series(other));
  }

  private static Row flows(String name, int flows, double plain, double other) {
    return Row.compare(
        name,
        Map.of("flows", flows, "pinning", "one core"),
        Unit.MICROS,
        series(plain),
        series(other));
  }

  private static Series series(double value) {
    Series series = new Series();
    series.add(new Sample(value, Double.NaN, 0));
    return series;
  }
}
