/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.bpf.ports;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.regex.Pattern;

/** Compares what a process of a test said. */
final class Lines {
  private Lines() {}

  static void assertMatches(String pattern, String line) {
    assertTrue(
        line != null && Pattern.matches(pattern, line), () -> "\"" + line + "\" is not " + pattern);
  }
}
