/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.agent.hooks;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class EnrolledReadersTest {
  private static final long START = 5_000;

  private final EnrolledReaders readers = new EnrolledReaders(START);

  @Test
  void nobodyAnswersBeforeASelectorAsks() {
    assertFalse(readers.isAsked());
    assertFalse(readers.isEnrolled(START));
    assertTrue(readers.isAsked());
  }

  @Test
  void aQuestionIsAnsweredOnce() {
    readers.isEnrolled(START);
    readers.answer(true, START);
    assertFalse(readers.isAsked());
    assertTrue(readers.isEnrolled(START + 1));
    assertFalse(readers.isAsked());
  }

  @Test
  void itIsAskedAgainBeforeTheAnswerIsOver() {
    readers.isEnrolled(START);
    readers.answer(true, START);
    assertTrue(readers.isEnrolled(START + EnrolledReaders.PERIOD_NANOS));
    assertTrue(readers.isAsked());
    assertTrue(readers.isEnrolled(START + EnrolledReaders.HOLDS_NANOS - 1), "nobody has answered");
    assertFalse(readers.isEnrolled(START + EnrolledReaders.HOLDS_NANOS));
  }

  @Test
  void oneSocketThatIsPlainEndsIt() {
    readers.isEnrolled(START);
    readers.answer(true, START);
    readers.answer(false, START + 1);
    assertFalse(readers.isEnrolled(START + 1));
  }

  @Test
  void whileTheAnswerIsNoItIsNotAskedMoreOften() {
    readers.isEnrolled(START);
    readers.answer(false, START);
    assertFalse(readers.isEnrolled(START + EnrolledReaders.PERIOD_NANOS - 1));
    assertFalse(readers.isAsked());
    readers.isEnrolled(START + EnrolledReaders.PERIOD_NANOS);
    assertTrue(readers.isAsked());
  }
}
