/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.agent.hooks;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Which reads and which looks through the table tend a socket that has joined. */
class TendTest {
  private final Tend tend = new Tend();

  @Test
  void readsTendSoonAndThenEverMoreRarely() {
    assertEquals(List.of(8, 24, 56, 120, 248, 504, 1016, 2040), due(2_100, Spin.MAX_REST));
  }

  /** A read that spins and wins is a look each time; one that is plain rests for long. */
  @Test
  void howOftenReadsLookDoesNotMatter() {
    for (int rest : List.of(0, 1, Spin.PLAIN_REST)) {
      tend.again();
      assertEquals(List.of(8, 24, 56, 120, 248, 504, 1016, 2040), due(2_100, rest), "rest " + rest);
    }
  }

  @Test
  void thePauseGetsNoLongerThanItsMaximum() {
    List<Integer> due = due(100_000, Spin.MAX_REST);
    for (int i = due.size() - 3; i < due.size(); i++) {
      assertEquals(Tend.MAX_READS, due.get(i) - due.get(i - 1));
    }
  }

  @Test
  void oneThatIsAskedForAgainIsTendedAsInTheBeginning() {
    due(50_000, Spin.MAX_REST);
    tend.again();
    assertEquals(List.of(8, 24, 56), due(100, Spin.MAX_REST));
  }

  /** Meanwhile a read may have had its number of rests from before. */
  @Test
  void aRestThatIsTooLongByNowHasTheNextLookTend() {
    due(50_000, Spin.MAX_REST);
    int rest = Math.min(tend.mostRest(), Spin.MAX_REST);
    tend.again();
    tend.rests(rest);
    assertTrue(tend.isDue());
    assertFalse(tend.isDue());
    assertEquals(2 * Tend.FIRST_READS - 1, tend.mostRest());
  }

  @Test
  void twoLooksThroughTheTableTend() {
    assertTrue(tend.takeLook());
    assertTrue(tend.hasLooks());
    assertTrue(tend.takeLook());
    assertFalse(tend.hasLooks());
    assertFalse(tend.takeLook());
    tend.looksAgain();
    assertTrue(tend.takeLook());
    assertTrue(tend.takeLook());
    assertFalse(tend.takeLook());
  }

  @Test
  void itIsGivenUpAfterSomeRefusalsInARow() {
    for (int i = 0; i < Tend.MAX_REFUSED - 1; i++) {
      tend.answered(false);
    }
    tend.answered(true);
    for (int i = 0; i < Tend.MAX_REFUSED; i++) {
      assertFalse(tend.isGivenUp());
      tend.answered(false);
    }
    assertTrue(tend.isGivenUp());
    tend.again();
    assertFalse(tend.isGivenUp());
  }

  /**
   * Which of the next so many reads tend, counted from 0, where one that looks asks for so much
   * rest.
   */
  private List<Integer> due(int reads, int rest) {
    List<Integer> due = new ArrayList<>();
    for (int read = 0; read < reads; read++) {
      if (tend.isDue()) {
        due.add(read);
      }
      int rests = Math.min(rest, tend.mostRest());
      tend.rests(rests);
      read += rests;
    }
    return due;
  }
}
