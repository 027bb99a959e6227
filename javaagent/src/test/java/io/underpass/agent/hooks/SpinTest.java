/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.agent.hooks;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class SpinTest {
  private final Spin spin = new Spin(1_000);

  @Test
  void newSocketsShareWhatTheyHaveFoundOut() {
    SharedBackoff backoff = new SharedBackoff(1_000);
    assertFalse(backoff.isTooEarly(1_000));
    for (int level = 1; level <= Spin.MAX_LEVEL + 2; level++) {
      backoff.lost(0);
      long pause = Spin.REST_NANOS << Math.min(level, Spin.MAX_LEVEL);
      assertTrue(backoff.isTooEarly(pause - 1));
      assertFalse(backoff.isTooEarly(pause));
    }
    backoff.won();
    backoff.lost(0);
    assertFalse(backoff.isTooEarly(Spin.REST_NANOS << (Spin.MAX_LEVEL / 2 + 1)));
    assertTrue(spin.isNew());
    spin.lost(0);
    assertTrue(spin.isNew());
    spin.won();
    spin.lost(0);
    assertFalse(spin.isNew());
  }

  @Test
  void failuresMakeAttemptsEverRarer() {
    reads();
    for (int level = 1; level <= Spin.MAX_LEVEL + 2; level++) {
      spin.lost(0);
      assertEquals(Math.min(1 << level, Spin.MAX_REST), reads());
      long pause = 10_000L << Math.min(level, Spin.MAX_LEVEL);
      assertTrue(spin.isTooEarly(pause - 1));
      assertEquals(Spin.MAX_REST, reads());
      assertFalse(spin.isTooEarly(pause));
    }
  }

  @Test
  void theSecondSuccessInARowHalvesWhatTheNextFailureMeans() {
    reads();
    for (int i = 0; i < 4; i++) {
      spin.lost(0);
    }
    reads();
    spin.won();
    assertEquals(0, reads());
    spin.lost(0);
    assertEquals(1 << 5, reads());
    spin.won();
    spin.won();
    assertEquals(0, reads());
    spin.lost(0);
    assertEquals(1 << 3, reads());
  }

  @Test
  void anAttemptTakesLongerWhereTheOtherEndHasToBeWokenFirst() {
    long first = spin.budgetNanos();
    spin.won();
    assertTrue(spin.budgetNanos() < first);
    spin.lost(0);
    assertEquals(first, spin.budgetNanos());
  }

  @Test
  void oneSuccessPaysForSomeReadsThatFindTheirBytesAtOnce() {
    reads();
    spin.won();
    for (int i = 0; i < Spin.CREDIT; i++) {
      spin.ready();
      assertTrue(spin.isDue());
    }
    spin.ready();
    assertEquals(Spin.MAX_REST, reads());
    spin.ready();
    assertEquals(Spin.MAX_REST, reads(), "no failure, which would make attempts ever rarer");
  }

  @Test
  void itIsEnrolledForAWhileAlsoWhenTheClockOverflows() {
    assertFalse(spin.isEnrolled(1_000));
    spin.enrolledUntil(Long.MIN_VALUE + 5);
    assertTrue(spin.isEnrolled(Long.MAX_VALUE));
    assertFalse(spin.isEnrolled(Long.MIN_VALUE + 5));
  }

  @Test
  void aRestMayBeGivenInParts() {
    spin.rest(Spin.PLAIN_REST);
    assertEquals(7, spin.giveRest(7));
    assertFalse(spin.isDue());
    assertEquals(Spin.PLAIN_REST - 8, spin.giveRest(Short.MAX_VALUE));
    assertTrue(spin.isDue());
    assertEquals(0, spin.giveRest(Short.MAX_VALUE));
  }

  /** How many go without an attempt from now on. */
  private int reads() {
    int reads = 0;
    while (!spin.isDue()) {
      reads++;
    }
    return reads;
  }
}
