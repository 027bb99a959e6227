/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.samples.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PlanTest {

  @ParameterizedTest
  @CsvSource({"9, 3", "7, 3", "5, 5", "5, 1", "11, 4"})
  void theForksTogetherHaveAllPairs(int pairs, int forks) {
    Plan plan = new Plan(pairs, forks, 1, 1, false);

    assertEquals(pairs, IntStream.range(0, forks).map(plan::roundsIn).sum());
  }

  @Test
  void theFirstTwoProcessorsOfTheKernelsListAreTaken() {
    assertEquals(List.of("0", "1"), Pinning.firstTwo("0-7"));
    assertEquals(List.of("2", "5"), Pinning.firstTwo("2,5-6"));
    assertEquals(List.of("3"), Pinning.firstTwo("3"));
  }
}
