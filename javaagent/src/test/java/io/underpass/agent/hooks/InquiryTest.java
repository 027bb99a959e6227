package io.underpass.agent.hooks;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class InquiryTest {
  private static final long START = 5_000;

  private final Inquiry inquiry = new Inquiry(START);

  @Test
  void nobodyAnswersBeforeASelectorAsks() {
    assertFalse(inquiry.isAsked());
    assertFalse(inquiry.isEnrolled(START));
    assertTrue(inquiry.isAsked());
  }

  @Test
  void aQuestionIsAnsweredOnce() {
    inquiry.isEnrolled(START);
    inquiry.answer(true, START);
    assertFalse(inquiry.isAsked());
    assertTrue(inquiry.isEnrolled(START + 1));
    assertFalse(inquiry.isAsked());
  }

  @Test
  void itIsAskedAgainBeforeTheAnswerIsOver() {
    inquiry.isEnrolled(START);
    inquiry.answer(true, START);
    assertTrue(inquiry.isEnrolled(START + Inquiry.PERIOD_NANOS));
    assertTrue(inquiry.isAsked());
    assertTrue(inquiry.isEnrolled(START + Inquiry.HOLDS_NANOS - 1), "nobody has answered");
    assertFalse(inquiry.isEnrolled(START + Inquiry.HOLDS_NANOS));
  }

  @Test
  void oneSocketThatIsPlainEndsIt() {
    inquiry.isEnrolled(START);
    inquiry.answer(true, START);
    inquiry.answer(false, START + 1);
    assertFalse(inquiry.isEnrolled(START + 1));
  }

  @Test
  void whileTheAnswerIsNoItIsNotAskedMoreOften() {
    inquiry.isEnrolled(START);
    inquiry.answer(false, START);
    assertFalse(inquiry.isEnrolled(START + Inquiry.PERIOD_NANOS - 1));
    assertFalse(inquiry.isAsked());
    inquiry.isEnrolled(START + Inquiry.PERIOD_NANOS);
    assertTrue(inquiry.isAsked());
  }
}
