/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.samples.demo;

import io.underpass.samples.process.Dialogue;
import io.underpass.samples.process.HelperProcess;
import io.underpass.samples.process.Program;
import io.underpass.samples.process.Project;
import io.underpass.samples.process.User;
import io.underpass.samples.process.Workspace;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.function.UnaryOperator;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * {@code make demo}: starts the helper as root, and as an ordinary user two pairs of JVMs, a web
 * server and its client each, one pair as it is and one with the agent. The pairs work in turn;
 * then the results are compared.
 */
@Command(
    name = "demo",
    description =
        "Two unmodified Java programs over loopback, without and with Underpass, every byte checked.",
    mixinStandardHelpOptions = true)
public final class Demo implements Callable<Integer> {

  private static final Path FILES = Path.of("files");

  @Option(
      names = "--pairs",
      defaultValue = "10",
      description = "Rounds of each side (default: ${DEFAULT-VALUE}).")
  private int pairs;

  @Option(
      names = "--millis",
      defaultValue = "1200",
      description = "Of each round (default: ${DEFAULT-VALUE}).")
  private long millis;

  @Option(
      names = "--warm-up",
      defaultValue = "4000",
      description = "Milliseconds of each side, first.")
  private long warmUpMillis;

  @Option(
      names = "--agent-options",
      defaultValue = "",
      description = "Further options of the agent, as spin=off,pace=off.")
  private String agentOptions;

  @Option(
      names = "--result",
      description = "Where to write the result (default: target/demo/result.json).")
  private Path result = Project.root().resolve("target/demo/result.json");

  /** Exits with 0 only if every body was right and something was accelerated. */
  public static void main(String[] args) {
    System.exit(Program.of("demo", new Demo()).execute(args));
  }

  @Override
  public Integer call() throws IOException {
    if (!User.isRoot()) {
      System.err.println("demo: it starts the helper, which has to be root: run it as root");
      return 1;
    }
    try (Workspace workspace = Workspace.create("demo")) {
      HelperProcess helper = HelperProcess.start(workspace);
      Path folder = workspace.folder().resolve(FILES);
      List<Content.Item> items = Content.generate(folder);
      String classPath = workspace.publish(Project.classPath());
      Path agent = workspace.folder().resolve("underpass.jar");
      Workspace.copyTree(Project.agent(), agent);

      Pair plain =
          Pair.start("plain", workspace, classPath, folder, items, UnaryOperator.identity());
      Pair accelerated =
          Pair.start(
              "accelerated",
              workspace,
              classPath,
              folder,
              items,
              jvm -> jvm.withAgent(agent, optionsFor(helper)));
      takeTurns(plain, accelerated);
      return conclude(plain, accelerated);
    }
  }

  private String optionsFor(HelperProcess helper) {
    String socket = "socket=" + helper.socket();
    return agentOptions.isEmpty() ? socket : socket + "," + agentOptions;
  }

  private void takeTurns(Pair plain, Pair accelerated) {
    System.out.printf(
        "warming up, then %d rounds of %.1f s each, in turn:%n", pairs, millis / 1000.0);
    for (Pair pair : List.of(plain, accelerated)) {
      pair.warmUp(Duration.ofMillis(warmUpMillis));
    }
    for (int i = 1; i <= pairs; i++) {
      plain.round(Duration.ofMillis(millis));
      accelerated.round(Duration.ofMillis(millis));
      System.out.printf("  %d of %d%n", i, pairs);
    }
  }

  private int conclude(Pair plain, Pair accelerated) throws IOException {
    JmxView client = JmxView.of(accelerated.client().pid());
    JmxView server = JmxView.of(accelerated.server().pid());
    DemoResult outcome = DemoResult.of(plain, accelerated, client, server);
    Tables.print(System.out, plain, accelerated, client);
    Files.createDirectories(result.toAbsolutePath().getParent());
    Dialogue.JSON.writerWithDefaultPrettyPrinter().writeValue(result.toFile(), outcome);
    System.out.println();
    System.out.println("written to " + result);
    if (outcome.mismatches() > 0) {
      System.err.println("demo: " + outcome.mismatches() + " answers were not what they had to be");
      return 1;
    }
    if (outcome.flowsAccelerated() == 0 || outcome.bytesRedirected() == 0) {
      System.err.println("demo: nothing was accelerated: " + client.reasons());
      return 1;
    }
    return 0;
  }
}
