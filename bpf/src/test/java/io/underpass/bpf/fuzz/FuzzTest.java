/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.bpf.fuzz;

import static org.junit.jupiter.api.Assertions.assertTrue;

import io.underpass.testing.KernelTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A short run; {@code make fuzz} is the long one. */
@KernelTest
class FuzzTest {
  @Test
  @Timeout(180)
  void noFrameLeavesAnything() throws Exception {
    assertTrue(new Fuzz(20_000, System.nanoTime()).run(), "the last line says what is left");
  }
}
