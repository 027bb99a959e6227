package io.underpass.agent.hooks;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.underpass.ffm.Layouts;
import org.junit.jupiter.api.Test;

class SockoptsTest {
  @Test
  void theAgentAsksWhereTheHelpersProgramsAnswer() {
    assertEquals(Layouts.UP_SOL, Sockopts.LEVEL);
  }
}
