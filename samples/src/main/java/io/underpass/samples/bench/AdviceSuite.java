/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.samples.bench;

import io.underpass.samples.process.ChildException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import org.openjdk.jmh.results.Result;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.ChainedOptionsBuilder;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.TimeValue;
import org.openjdk.jmh.runner.options.VerboseMode;

/**
 * What the agent's hooks add to single operations, by JMH: {@link SocketOperations} in forks
 * without and with the agent, in turn.
 */
final class AdviceSuite implements Suite {

  private static final double FLOOR = 0.97;

  /** What JMH is to warm up in: the compilers are done before the last of them. */
  private static final int WARM_UPS = 3;

  /** As the other suites' JVMs have them; and JMH uses what the JDK warns of. */
  private static final List<String> FLAGS =
      List.of("-XX:-UsePerfData", "-Xms128m", "-Xmx512m", "--sun-misc-unsafe-memory-access=allow");

  @Override
  public String name() {
    return "advice";
  }

  @Override
  public Plan usual() {
    return new Plan(5, 1, 500, 1500, true);
  }

  @Override
  public String explanation() {
    return """
        JMH, average time of an operation in a fork of its own for each round and benchmark, one thread on one processor, both \
        ends of a connection in the same process. `exchange`: 1 KB there and back over a flow that may be accelerated; \
        `exchangeByTcp`: over one that carried urgent data and so never is, which pays for the hooks and gains nothing; \
        `available` of an empty stream; `setOption` of TCP_NODELAY; `createAndClose` of a socket; `connectAndClose` with accept.""";
  }

  @Override
  public List<Row> run(Lab lab) throws IOException {
    // The lock is a file in /tmp that would be left there; turns are taken here.
    System.setProperty("jmh.ignoreLock", "true");
    Path java = pinnedJava(lab);
    List<String> labels = new ArrayList<>(List.of(Side.PLAIN, Side.ACCELERATED));
    if (lab.selection().controls()) {
      labels.add(Side.CONTROL);
    }
    Tally tally = new Tally(lab.plan());
    TreeSet<String> operations = new TreeSet<>();
    for (int round = 1; round <= lab.plan().pairs(); round++) {
      for (String label : labels) {
        for (RunResult result : run(lab, java, label.equals(Side.ACCELERATED))) {
          Result<?> score = result.getPrimaryResult();
          operations.add(score.getLabel());
          tally.series(score.getLabel(), label).add(new Sample(score.getScore(), Double.NaN, 0));
        }
      }
      lab.say("  round %d of %d".formatted(round, lab.plan().pairs()));
    }
    List<Row> rows = new ArrayList<>();
    operations.forEach(operation -> rows.add(row(tally, operation, "", Side.ACCELERATED)));
    if (lab.selection().controls()) {
      operations.forEach(operation -> rows.add(row(tally, operation, Row.CONTROL, Side.CONTROL)));
    }
    return rows;
  }

  private static List<RunResult> run(Lab lab, Path java, boolean agent) {
    List<String> flags = new ArrayList<>(FLAGS);
    if (agent) {
      flags.addAll(lab.agentFlags());
    }
    ChainedOptionsBuilder options =
        new OptionsBuilder()
            .jvm(java.toString())
            .jvmArgs(flags.toArray(String[]::new))
            .forks(1)
            .warmupIterations(WARM_UPS)
            .warmupTime(TimeValue.milliseconds(Math.max(1, lab.plan().warmUpMillis() / WARM_UPS)))
            .measurementIterations(1)
            .measurementTime(TimeValue.milliseconds(lab.plan().roundMillis()))
            .shouldFailOnError(true)
            .verbosity(VerboseMode.SILENT);
    lab.selection().patterns(SocketOperations.class.getName() + ".").forEach(options::include);
    try {
      return List.copyOf(new Runner(options.build()).run());
    } catch (RunnerException e) {
      throw new ChildException("JMH: " + e.getMessage(), e);
    }
  }

  /** JMH starts its forks by one word: a script that pins them. */
  private static Path pinnedJava(Lab lab) throws IOException {
    Path script = lab.workspace().folder().resolve("pinned-java");
    Files.writeString(
        script,
        "#!/bin/sh\nexec taskset --cpu-list %s '%s' \"$@\"\n"
            .formatted(
                Pinning.available().getFirst().clientCpu(),
                Path.of(System.getProperty("java.home"), "bin", "java")));
    Files.setPosixFilePermissions(script, PosixFilePermissions.fromString("rwxr-xr-x"));
    return script;
  }

  private static Row row(Tally tally, String operation, String prefix, String label) {
    return Row.compare(
        prefix + operation,
        Map.of("pinning", "one core"),
        Unit.NANOS,
        tally.series(operation, Side.PLAIN),
        tally.series(operation, label));
  }

  @Override
  public String verdict(List<Row> rows) {
    return Verdict.of(rows, FLOOR);
  }
}
