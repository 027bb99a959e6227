/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.samples.bench;

import io.underpass.samples.process.Program;
import io.underpass.samples.process.Project;
import io.underpass.samples.process.User;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code make bench}: runs the suites, and writes their reports. */
@Command(
    name = "bench",
    description = "Measures plain TCP and Underpass in turn.",
    mixinStandardHelpOptions = true)
public final class Bench implements Callable<Integer> {

  private static final List<Suite> SUITES =
      List.of(
          new RttSuite(),
          new StreamSuite(),
          new ConnectSuite(),
          new GridSuite(),
          new ManySuite(),
          new BystanderSuite(),
          new AdviceSuite(),
          new PortsSuite(),
          new SweepSuite(),
          new FootprintSuite());

  /** Set by picocli. */
  @Spec private CommandSpec spec;

  @Parameters(
      arity = "0..*",
      paramLabel = "SUITE",
      description =
          "rtt, stream, connect, grid, many, bystander, advice, ports, sweep, footprint; all of them where none is named.")
  private List<String> names = List.of();

  @Option(
      names = {"--pairs", "--rounds"},
      paramLabel = "N",
      description = "Rounds of each side (default: the suite's own, as of all below).")
  private Integer pairs;

  @Option(
      names = "--forks",
      paramLabel = "N",
      description = "How often the JVMs are started anew, and share the pairs out.")
  private Integer forks;

  @Option(names = "--millis", paramLabel = "MS", description = "Of each round.")
  private Long millis;

  @Option(
      names = "--warm-up",
      paramLabel = "MS",
      description = "Of each side, before its first round of a row.")
  private Long warmUpMillis;

  @Option(
      names = "--most",
      paramLabel = "N",
      description =
          "A row whose control is beyond 2 %% gets up to N times the rounds (1: never more).")
  private Integer most;

  @Mixin private Selection selection;

  @Option(
      names = "--plain-only",
      description = "Leave the agent and the helper out; needs no root.")
  private boolean plainOnly;

  @Option(names = "--out", description = "The folder of the reports (default: target/bench).")
  private Path out = Project.root().resolve("target/bench");

  /** Exits with 0 if every suite that was asked for has its report. */
  public static void main(String[] args) {
    System.exit(run(new PrintWriter(System.out, true, StandardCharsets.UTF_8), args));
  }

  static int run(PrintWriter out, String... args) {
    return Program.of("bench", new Bench()).setOut(out).execute(args);
  }

  @Override
  public Integer call() throws IOException {
    List<String> known = SUITES.stream().map(Suite::name).toList();
    for (String name : names) {
      if (!known.contains(name)) {
        System.err.println("bench: no suite " + name + ": there are " + String.join(", ", known));
        return 2;
      }
    }
    if (!plainOnly && !User.isRoot()) {
      System.err.println(
          "bench: it starts the helper, which has to be root: run it as root, or with --plain-only");
      return 1;
    }
    boolean complete = true;
    for (Suite suite : SUITES) {
      if (names.isEmpty() || names.contains(suite.name())) {
        complete &= run(suite, plan(suite.usual()));
      }
    }
    return complete ? 0 : 1;
  }

  private Plan plan(Plan usual) {
    int rounds = Objects.requireNonNullElse(pairs, usual.pairs());
    return new Plan(
        rounds,
        Math.min(Objects.requireNonNullElse(forks, usual.forks()), rounds),
        Objects.requireNonNullElse(millis, usual.roundMillis()),
        Objects.requireNonNullElse(warmUpMillis, usual.warmUpMillis()),
        !plainOnly,
        Objects.requireNonNullElse(most, usual.most()));
  }

  /**
   * A lab for each suite: none finds what another one left.
   *
   * @return false if no row of it was asked for
   */
  private boolean run(Suite suite, Plan plan) throws IOException {
    PrintWriter console = spec.commandLine().getOut();
    console.println(suite.name() + ":");
    List<Row> rows;
    try (Lab lab = new Lab(plan, selection, console)) {
      rows = suite.run(lab);
    }
    if (rows.isEmpty()) {
      System.err.println(
          "bench: no row of " + suite.name() + " is as --only, --size and --cores say");
      return false;
    }
    Report.write(out, suite, plan, rows);
    console.println(Report.table(rows));
    console.println(suite.verdict(rows));
    console.println("written to " + out.resolve(suite.name()) + ".json, .md and .svg");
    console.println();
    return true;
  }
}
