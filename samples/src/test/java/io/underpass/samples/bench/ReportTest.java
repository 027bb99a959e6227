/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.samples.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import io.underpass.samples.process.Dialogue;
import java.io.StringReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.xml.sax.InputSource;

class ReportTest {

  private static final Plan PLAN = new Plan(5, 1, 1, 1, true);

  @TempDir Path folder;

  @Test
  void theJsonHasTheFieldsThatEveryRowOwes() throws Exception {
    Report.write(folder, new StreamSuite(), PLAN, rows());

    JsonNode rows = Dialogue.JSON.readTree(folder.resolve("stream.json").toFile());

    assertEquals(3, rows.size());
    for (JsonNode row : rows) {
      for (String field :
          List.of("name", "params", "plain", "accelerated", "ratio", "unit", "rounds")) {
        assertTrue(row.has(field), field + " in " + row);
      }
    }
    assertEquals(2, rows.get(0).get("ratio").asDouble());
    assertEquals("us", rows.get(0).get("unit").asText());
    assertEquals(16, rows.get(0).get("params").get("bytes").asInt());
    assertTrue(rows.get(1).get("accelerated").isNull());
    assertFalse(rows.toString().contains("NaN"));
  }

  @Test
  void theTableHasALineForEachRow() throws Exception {
    String text = Report.markdown(new StreamSuite(), PLAN, rows());

    assertTrue(text.contains("| a < b | 10.0 | 5.0 | **2.00** |"), text);
    assertTrue(text.contains("| reference: r | 10.0 | (5.0) | **2.00** |"), text);
  }

  @Test
  void aRunWithoutTheAgentSaysSo() throws Exception {
    Plan plainOnly = new Plan(5, 1, 1, 1, false);

    assertTrue(
        Report.markdown(new StreamSuite(), plainOnly, rows()).contains("Nothing was accelerated"));
    assertFalse(
        Report.markdown(new StreamSuite(), PLAN, rows()).contains("Nothing was accelerated"));
  }

  @Test
  void thePlotIsWellFormedAndLeavesOutWhatHasNoRatio() throws Exception {
    Report.write(folder, new StreamSuite(), PLAN, rows());
    String svg = Files.readString(folder.resolve("stream.svg"));

    DocumentBuilderFactory.newInstance()
        .newDocumentBuilder()
        .parse(new InputSource(new StringReader(svg)));

    assertTrue(svg.contains("a &lt; b"));
    assertFalse(svg.contains("figure"));
  }

  private static List<Row> rows() {
    Series slow = new Series();
    slow.add(new Sample(10, Double.NaN, 1));
    Series fast = new Series();
    fast.add(new Sample(5, Double.NaN, 1));
    return List.of(
        Row.compare("a < b", Map.of("bytes", 16), Unit.MICROS, slow, fast),
        Row.reference("r", Map.of(), Unit.MICROS, slow, fast),
        Row.figure("figure", Map.of(), Unit.MEGABYTES, 40));
  }
}
