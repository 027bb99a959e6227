package io.underpass.samples.bench;

import io.underpass.samples.process.ChildException;
import io.underpass.samples.process.Project;
import io.underpass.samples.process.User;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
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
      List.of(new RttSuite(), new StreamSuite(), new ConnectSuite(), new FootprintSuite());

  /** Set by picocli. */
  @Spec private CommandSpec spec;

  @Parameters(
      arity = "0..*",
      paramLabel = "SUITE",
      description = "rtt, stream, connect, footprint; all of them where none is named.")
  private List<String> names = List.of();

  @Option(
      names = "--pairs",
      defaultValue = "9",
      description = "Rounds of each side (default: ${DEFAULT-VALUE}).")
  private int pairs;

  @Option(
      names = "--forks",
      defaultValue = "3",
      description =
          "How often the JVMs are started anew, and share the pairs out (default: ${DEFAULT-VALUE}).")
  private int forks;

  @Option(
      names = "--millis",
      defaultValue = "800",
      description = "Of each round (default: ${DEFAULT-VALUE}).")
  private long millis;

  @Option(
      names = "--warm-up",
      defaultValue = "1500",
      description = "Milliseconds of each side before its first round (default: ${DEFAULT-VALUE}).")
  private long warmUpMillis;

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
    return new CommandLine(new Bench())
        .setOut(out)
        .setExecutionExceptionHandler(
            (failure, line, parsed) -> {
              if (!(failure instanceof ChildException)) {
                throw failure;
              }
              System.err.println("bench: " + failure.getMessage());
              return 1;
            })
        .execute(args);
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
    Plan plan = new Plan(pairs, Math.min(forks, pairs), millis, warmUpMillis, !plainOnly);
    for (Suite suite : SUITES) {
      if (names.isEmpty() || names.contains(suite.name())) {
        run(suite, plan);
      }
    }
    return 0;
  }

  /** A lab for each suite: none finds what another one left. */
  private void run(Suite suite, Plan plan) throws IOException {
    PrintWriter console = spec.commandLine().getOut();
    console.println(suite.name() + ":");
    List<Row> rows;
    try (Lab lab = new Lab(plan)) {
      rows = suite.run(lab);
    }
    Report.write(out, suite, plan, rows);
    console.println(Report.table(rows));
    console.println("written to " + out.resolve(suite.name()) + ".json, .md and .svg");
    console.println();
  }
}
