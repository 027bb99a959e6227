/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.agent.hooks;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** Which answers to a large write's question have its socket tended. */
class PaceTest {
  private final Pace pace = new Pace();

  @Test
  void theFirstTwoThatSayItIsAcceleratedDoAndTheFirstTwoThatSayItIsNoLonger() {
    assertEquals(List.of(false, false), tends(false, false));
    assertEquals(List.of(true, true, false, false), tends(true, true, true, true));
    assertEquals(List.of(true, true, false), tends(false, false, false));
  }

  @Test
  void eachChangeCountsAnew() {
    assertEquals(List.of(true, true, true, true, false), tends(true, false, true, true, true));
  }

  private List<Boolean> tends(Boolean... answers) {
    return Stream.of(answers).map(pace::tendsAt).toList();
  }
}
