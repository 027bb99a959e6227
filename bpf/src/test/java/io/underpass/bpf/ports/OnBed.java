/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.bpf.ports;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;

/**
 * Tests whose processes live as long as the class, and have nothing open when a test begins. The
 * class's own {@code BeforeAll} makes the bed.
 */
abstract class OnBed {
  static PortsBed bed;

  /** In no group. */
  static Cast plain;

  static void make(String policy) throws Exception {
    bed = new PortsBed(policy);
    plain = bed.plain();
  }

  @AfterEach
  void closeSockets() throws Exception {
    bed.closeSockets();
  }

  @AfterAll
  static void closeBed() throws Exception {
    bed.close();
  }
}
