/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.samples.ports;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;

class VisitTest {

  @Test
  void anAnswerIsRightIfServerAndPortAre() {
    assertTrue(new Visit("blue client", 8080, "blue 8080", "blue 8080").right());
    assertFalse(new Visit("blue client", 8080, "blue 8080", "green 8080").right());
    assertFalse(new Visit("blue client", 8080, "blue 8080", "blue 41007").right());
    assertFalse(new Visit("blue client", 8080, "blue 8080", "ConnectException").right());
  }

  @Test
  void theTableTellsWhatAWrongAnswerShouldBe() {
    List<String> lines =
        Visit.table(
                List.of(
                    new Visit("blue client", 8080, "blue 8080", "blue 8080"),
                    new Visit("plain client", 38255, "green 8080", "ConnectException")))
            .lines()
            .toList();

    assertEquals(3, lines.size());
    assertEquals("blue client  localhost:8080    blue 8080                    right", lines.get(1));
    assertTrue(
        lines.get(2).endsWith(" ConnectException             WRONG: it should be green 8080"),
        lines.get(2));
  }
}
