/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.agent.hooks;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class RunQueueTest {
  @Test
  void theKernelsTextsAreUnderstood() {
    assertEquals(3, RunQueue.runnable("2.13 2.68 2.50 3/162 11426\n"));
    assertEquals(12_345, RunQueue.runnable("0.00 0.00 0.00 12345/99999 1"));
    assertEquals(1, RunQueue.processors("0"));
    assertEquals(2, RunQueue.processors("0-1"));
    assertEquals(7, RunQueue.processors("0-3,8,10-11"));
  }

  @Test
  void aTextOfAnotherKindIsAnIllegalArgument() {
    for (String line : new String[] {"", "/", "1 2 3", "0.00 0.00 0.00 x/2 1"}) {
      assertThrows(IllegalArgumentException.class, () -> RunQueue.runnable(line));
    }
  }

  @Test
  void mostOfTheLastEightAnswersDecide() {
    assertTrue(RunQueue.isSpare(0));
    assertTrue(RunQueue.isSpare(0b1010_0101));
    assertTrue(RunQueue.isSpare(0xffff_ff00));
    assertFalse(RunQueue.isSpare(0b0010_1111));
    assertFalse(RunQueue.isSpare(0xff));
  }

  @Test
  void thisMachineAnswers() throws Exception {
    RunQueue queue = RunQueue.open();
    assertTrue(queue.processors() >= Runtime.getRuntime().availableProcessors());
    long now = System.nanoTime();
    boolean answer = queue.hasSpareProcessor(now);
    // Asked again too soon, it says the same.
    assertEquals(answer, queue.hasSpareProcessor(now + 1));
  }
}
