/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.samples.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import io.underpass.samples.process.Dialogue;
import java.io.PrintWriter;
import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Every suite once, as short as can be, with plain JVMs on both sides: what is tested is the
 * harness.
 */
class BenchTest {

  @TempDir Path folder;

  @ParameterizedTest
  @ValueSource(
      strings = {
        "rtt",
        "stream",
        "connect",
        "footprint",
        "grid --size=1024 --cores=1",
        "many --size=10",
        "bystander --only=socket",
        "bystander --only=flow --cores=1",
        "advice --only=available",
        "ports",
        "sweep --size=10 --cores=1"
      })
  void aSuiteMeasuresBothSidesOfEveryRowAndWritesItsReports(String words) throws Exception {
    String shortest =
        " --plain-only --pairs=1 --most=1 --forks=1 --millis=40 --warm-up=40 --out=" + folder;
    String[] arguments = (words + shortest).split(" ", -1);
    String suite = arguments[0];

    int status = Bench.run(new PrintWriter(Writer.nullWriter()), arguments);

    assertEquals(0, status);
    JsonNode rows = Dialogue.JSON.readTree(folder.resolve(suite + ".json").toFile());
    assertTrue(rows.size() > 0);
    for (JsonNode row : rows) {
      assertTrue(row.get("plain").asDouble() > 0, row.toString());
      assertTrue(
          row.get("accelerated").asDouble() > 0 || row.get("value").asDouble() > 0, row.toString());
      assertTrue(row.get("ratio").asDouble() > 0, row.toString());
      assertEquals(1, row.get("rounds").asInt());
    }
    assertTrue(Files.exists(folder.resolve(suite + ".md")));
    assertTrue(Files.exists(folder.resolve(suite + ".svg")));
    assertEquals(0, ProcessHandle.current().children().filter(ProcessHandle::isAlive).count());
  }

  @Test
  void aSelectionWithoutARowIsAFailure() {
    assertEquals(
        1,
        Bench.run(
            new PrintWriter(Writer.nullWriter()),
            "grid",
            "--plain-only",
            "--only=no such shape",
            "--out=" + folder));
    assertTrue(Files.notExists(folder.resolve("grid.json")));
  }

  @Test
  void anUnknownSuiteIsRefusedBeforeAnythingRuns() {
    assertEquals(
        2,
        Bench.run(
            new PrintWriter(Writer.nullWriter()), "rtt", "rrt", "--plain-only", "--out=" + folder));
    assertTrue(Files.notExists(folder.resolve("rtt.json")));
  }
}
