/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.samples.demo;

import java.io.PrintStream;
import java.util.List;
import java.util.Map;
import org.HdrHistogram.Histogram;

/** What the demo prints at its end. */
final class Tables {

  /** As many flows as are worth a reader's time; the bean has more, those with most bytes first. */
  private static final int FLOWS = 10;

  private Tables() {}

  static void print(PrintStream out, Pair plain, Pair accelerated, JmxView client) {
    sums(out, List.of(plain, accelerated));
    kinds(out, plain.rounds(), accelerated.rounds());
    flows(out, client);
  }

  private static void sums(PrintStream out, List<Pair> pairs) {
    String form = "%-13s %9s %11s %8s %11s %9s %11s %8s %15s%n";
    out.println();
    out.printf(
        form,
        "",
        "requests",
        "mismatches",
        "retries",
        "median us",
        "p99 us",
        "requests/s",
        "CPU s",
        "CPU us/request");
    for (Pair pair : pairs) {
      Histogram nanos = pair.rounds().all();
      out.printf(
          form,
          pair.name(),
          pair.rounds().requests(),
          pair.rounds().mismatches(),
          pair.rounds().retries(),
          "%.1f".formatted(DemoResult.micros(nanos, 50)),
          "%.1f".formatted(DemoResult.micros(nanos, 99)),
          "%.0f".formatted(pair.rounds().requestsPerSecond()),
          "%.2f".formatted(pair.cpuTime().toMillis() / 1000.0),
          "%.1f".formatted(DemoResult.cpuMicros(pair)));
    }
  }

  private static void kinds(PrintStream out, Round plain, Round accelerated) {
    String form = "%-22s %11s %13s %8s%n";
    out.println();
    out.printf(form, "median us", "plain", "accelerated", "ratio");
    for (String kind : Kinds.ALL) {
      double before = DemoResult.micros(plain.histogram(kind), 50);
      double after = DemoResult.micros(accelerated.histogram(kind), 50);
      out.printf(form, kind, number(before), number(after), "%.2f".formatted(before / after));
    }
  }

  private static String number(double value) {
    return "%.1f".formatted(value);
  }

  private static void flows(PrintStream out, JmxView client) {
    String form = "%-17s %-17s %-11s %-10s %14s %14s %11s %11s %8s%n";
    out.println();
    out.println("flows of the accelerated client, as JMX shows them:");
    out.printf(
        form,
        "local",
        "remote",
        "state",
        "reason",
        "sent redirected",
        "read redirected",
        "sent by TCP",
        "read by TCP",
        "switches");
    for (Map<String, Object> flow : client.flows().stream().limit(FLOWS).toList()) {
      out.printf(
          form,
          flow.get("local"),
          flow.get("remote"),
          flow.get("state"),
          flow.get("reason"),
          flow.get("txRedirectedBytes"),
          flow.get("rxRedirectedBytes"),
          flow.get("txPassedBytes"),
          flow.get("rxPassedBytes"),
          flow.get("switches"));
    }
    if (client.flows().isEmpty()) {
      out.println("(none)");
    }
    out.println();
    out.println("its totals: " + client.accelerator());
  }
}
