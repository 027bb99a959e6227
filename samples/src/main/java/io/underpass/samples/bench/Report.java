/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.samples.bench;

import io.underpass.samples.process.Dialogue;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** Writes what a suite came to: {@code <suite>.json}, {@code .md} and {@code .svg}. */
final class Report {

  private Report() {}

  static void write(Path folder, Suite suite, Plan plan, List<Row> rows) throws IOException {
    Files.createDirectories(folder);
    Path json = folder.resolve(suite.name() + ".json");
    Dialogue.JSON.writerWithDefaultPrettyPrinter().writeValue(json.toFile(), rows);
    Files.writeString(folder.resolve(suite.name() + ".md"), markdown(suite, plan, rows));
    Files.writeString(folder.resolve(suite.name() + ".svg"), BarChart.of(suite.name(), rows));
  }

  static String markdown(Suite suite, Plan plan, List<Row> rows) throws IOException {
    StringBuilder text = new StringBuilder();
    text.append("# ").append(suite.name()).append("\n\n");
    text.append(suite.explanation()).append("\n\n");
    text.append(table(rows)).append('\n');
    String verdict = suite.verdict(rows);
    text.append(verdict).append(verdict.isEmpty() ? "" : "\n");
    text.append("![ratios](").append(suite.name()).append(".svg)\n\n");
    text.append(method(plan));
    return text.toString();
  }

  static String table(List<Row> rows) {
    StringBuilder text = new StringBuilder();
    text.append(
        "| | plain | accelerated | ratio | of the pairs | unit | p99 plain | p99 accelerated | redirected |\n");
    text.append("|---|---:|---:|---:|---:|---|---:|---:|---:|\n");
    for (Row row : rows) {
      text.append(
          "| %s | %s | %s | %s | %s | %s | %s | %s | %s |%n"
              .formatted(
                  row.name(),
                  number(row.plain()),
                  other(row),
                  row.ratio() == null ? "" : "**%.2f**".formatted(row.ratio()),
                  row.lowest() == null ? "" : "%.2f to %.2f".formatted(row.lowest(), row.highest()),
                  row.unit().symbol(),
                  number(row.plainP99()),
                  number(row.acceleratedP99()),
                  row.redirectedShare() == null
                      ? ""
                      : "%.0f %%".formatted(100 * row.redirectedShare())));
    }
    return text.toString();
  }

  /**
   * The second figure of a row: a reference's own stands in brackets, as does what a start adds.
   */
  private static String other(Row row) {
    String value = row.value() == null ? "" : "(" + number(row.value()) + ")";
    return (number(row.accelerated()) + " " + value).strip();
  }

  private static String number(Double value) {
    if (value == null) {
      return "";
    }
    return Math.abs(value) < 1000 ? "%.1f".formatted(value) : "%.0f".formatted(value);
  }

  private static String method(Plan plan) throws IOException {
    StringBuilder text = new StringBuilder();
    text.append(
        """
        Ratios are the median of %d pairs, or of up to %d times as many where the control was beyond %.0f %%; above 1 is better than plain. Plain and accelerated take turns (A B A B), in \
        rounds of %d ms after %d ms of warm-up; the JVMs are started anew %d times. While one pair works the others wait \
        in a read. Figures in brackets are of the reference itself, or what is added. Rows named "control" compare plain \
        with plain: so much is noise. "redirected" is the share of the bytes that went past the TCP/IP stack. %s

        """
            .formatted(
                plan.pairs(),
                plan.most(),
                100 * Plan.QUIET,
                plan.roundMillis(),
                plan.warmUpMillis(),
                plan.forks(),
                plan.accelerate()
                    ? ""
                    : "**Nothing was accelerated here: the agent was left out.**"));
    text.append(
        "Processes are pinned with taskset, with all their threads, those of the collector and the compilers too: ");
    for (Pinning pinning : Pinning.available()) {
      text.append(
          "%s: client on processor %s, server on processor %s; "
              .formatted(pinning.name(), pinning.clientCpu(), pinning.serverCpu()));
    }
    text.append("the helper is not pinned.\n\n");
    text.append(
        "Linux %s, %d processors, Java %s.%n"
            .formatted(
                System.getProperty("os.version"),
                Runtime.getRuntime().availableProcessors(),
                Runtime.version()));
    return text.toString();
  }
}
