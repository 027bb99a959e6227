/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.List;
import org.junit.jupiter.api.Test;

class TableTest {
  @Test
  void columnsAreAsWideAsTheirWidestCell() {
    Table table = new Table(List.of(">pid", "local", ">bytes"));
    table.row(1, "127.0.0.1:80", 1234567);
    table.row(12345, "[::1]:8080", 0);
    StringWriter out = new StringWriter();
    table.print(new PrintWriter(out, true));
    assertEquals(
        """
          pid  local           bytes
            1  127.0.0.1:80  1234567
        12345  [::1]:8080          0
        """,
        out.toString());
  }

  @Test
  void aRowOfAnotherWidthIsAMistake() {
    Table table = new Table(List.of("one", "two"));
    assertThrows(IllegalArgumentException.class, () -> table.row("only one"));
  }
}
