/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.samples.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.underpass.samples.process.ChildException;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

class SelectionTest {

  private static final Pinning ONE = new Pinning("one core", "0", "0");
  private static final Pinning TWO = new Pinning("two cores", "0", "1");

  @Command
  private static final class Line {
    @Mixin private Selection selection;
  }

  @Test
  void withoutAWordEverythingIsMeasured() {
    Selection selection = parse();

    assertTrue(selection.wantsName("any"));
    assertTrue(selection.wantsNumber(64));
    assertTrue(selection.wants(ONE) && selection.wants(TWO));
    assertTrue(selection.controls());
  }

  @Test
  void oneOfSeveralTextsSizesOrCoresIsEnough() {
    Selection selection = parse("--only", "stream,up", "--size=64,1024", "--cores=2");

    assertTrue(selection.wantsName("stream 64 KB, one core"));
    assertTrue(selection.wantsName("uneven up 64 KB, one core"));
    assertFalse(selection.wantsName("request/response 64 KB, one core"));
    assertTrue(selection.wantsNumber(1024));
    assertFalse(selection.wantsNumber(4096));
    assertFalse(selection.wants(ONE));
    assertTrue(selection.wants(TWO));
  }

  @Test
  void controlsAreLeftOutOnRequest() {
    assertFalse(parse("--no-controls").controls());
  }

  @Test
  void theGridHasEveryShapeSizeAndInterfaceOnceInEachLayout() {
    List<Cell> cells = Cell.all(ONE);
    Set<String> names = new HashSet<>();
    cells.forEach(cell -> names.add(cell.name()));

    assertEquals(4 * 6 * 2, cells.size());
    assertEquals(cells.size(), names.size());
    assertTrue(names.contains("uneven down 256 KB, one core, selector"), names.toString());
  }

  @Test
  void aCellSaysWhichShareOfEitherDirectionWasRedirected() {
    Cell cell = new Cell(Shape.UNEVEN_DOWN, 960, TWO, Transport.SOCKET);
    Series series = new Series();
    series.add(new Sample(1, 1, 10_240)); // of ten exchanges: 640 bytes up, 9,600 down
    series.addRedirected(new Carried(320, 9600));

    assertEquals(0.5, cell.params(series).get("redirectedUp"));
    assertEquals(1.0, cell.params(series).get("redirectedDown"));
    assertEquals(0.97, cell.params(series).get("redirected"));
  }

  @Test
  void theLimitOfOpenFilesIsReadAndChecked() {
    String limits =
        """
        Limit                     Soft Limit           Hard Limit           Units
        Max processes             96000                96000                processes
        Max open files            1024                 4096                 files
        """;

    assertEquals(4096, OpenFiles.hardLimit(limits));
    assertEquals(Long.MAX_VALUE, OpenFiles.hardLimit(limits.replace("4096", "unlimited")));
    OpenFiles.check("many", 4096, 4096);
    ChildException refused =
        assertThrows(ChildException.class, () -> OpenFiles.check("many", 10_500, 4096));
    assertTrue(refused.getMessage().contains("the hard limit is 4096"), refused.getMessage());
  }

  private static Selection parse(String... words) {
    Line line = new Line();
    new CommandLine(line).parseArgs(words);
    return line.selection;
  }
}
