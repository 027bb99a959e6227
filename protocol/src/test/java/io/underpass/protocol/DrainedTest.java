/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.protocol;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

class DrainedTest {
  @Test
  void aSocketThatIsLeftSaysHowMuchItHasNotReadAndNothingOfItWhereItHasReadAll() {
    assertEquals(
        "pid 7: 127.0.0.1:1 has not read 5 bytes from 127.0.0.1:2",
        new Drained.Held(7, "127.0.0.1:1", "127.0.0.1:2", 5).toString());
    assertEquals(
        "pid 7: 127.0.0.1:1 could not be taken off, though it has read all bytes from 127.0.0.1:2",
        new Drained.Held(7, "127.0.0.1:1", "127.0.0.1:2", 0).toString());
  }
}
