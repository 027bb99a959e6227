/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.samples.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class PortsSuiteTest {

  @Test
  void membersAndOutsidersHaveFloorsOfTheirOwn() {
    String verdict =
        new PortsSuite()
            .verdict(
                List.of(
                    row("connect", true, 0.98),
                    row("bind", true, 0.96),
                    row("outside: connect", false, 0.98),
                    row("outside: bind", false, 0.995),
                    row("control: outside: bind", false, 1.01)));

    assertEquals(
        List.of(
            "Members:",
            "Minimum: bind: 0.960 (0.90 to 1.10).",
            "Below 0.97: 1 of 2 rows.",
            "- bind: 0.960 (0.90 to 1.10)",
            "Outside of groups:",
            "Minimum: outside: connect: 0.980 (0.90 to 1.10).",
            "Below 0.99: 1 of 2 rows.",
            "- outside: connect: 0.980 (0.90 to 1.10)",
            "Controls (plain against plain): 1.010 to 1.010; 0 of 1 beyond 2 %."),
        verdict.lines().filter(line -> !line.isBlank()).toList());
  }

  private static Row row(String name, boolean member, double ratio) {
    return new Row(
        name,
        Map.of("member", member),
        1.0,
        1.0 / ratio,
        ratio,
        Unit.MICROS,
        5,
        null,
        0.9,
        1.1,
        null,
        null,
        null);
  }
}
