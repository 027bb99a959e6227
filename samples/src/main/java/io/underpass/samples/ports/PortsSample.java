/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.samples.ports;

import io.underpass.samples.process.Child;
import io.underpass.samples.process.HelperProcess;
import io.underpass.samples.process.JvmCommand;
import io.underpass.samples.process.Program;
import io.underpass.samples.process.Project;
import io.underpass.samples.process.User;
import io.underpass.samples.process.Workspace;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * {@code make sample-ports}: starts the helper as root, and as an ordinary user two web servers on
 * one port, in the groups blue and green, and clients. Blue's port is published.
 */
@Command(
    name = "sample-ports",
    description = "Two unmodified web servers on one port, each in a group of its own.",
    mixinStandardHelpOptions = true)
public final class PortsSample implements Callable<Integer> {

  private static final Duration PATIENCE = Duration.ofSeconds(20);

  @Option(
      names = "--port",
      defaultValue = "8080",
      description = "Which one both bind (default: ${DEFAULT-VALUE}).")
  private int port;

  /** Set by {@link #call}. */
  private Workspace workspace;

  private String classPath;
  private Path agent;
  private Path socket;

  /** Exits with 0 only if every answer was right. */
  public static void main(String[] args) {
    System.exit(Program.of("sample-ports", new PortsSample()).execute(args));
  }

  @Override
  public Integer call() throws IOException {
    if (!User.isRoot()) {
      System.err.println(
          "sample-ports: it starts the helper, which has to be root: run it as root");
      return 1;
    }
    try (Workspace opened = Workspace.create("ports")) {
      workspace = opened;
      String user = " uid " + JvmCommand.NOBODY;
      socket =
          HelperProcess.start(
                  workspace, "group blue" + user + " publish " + port, "group green" + user)
              .socket();
      classPath = workspace.publish(Project.classPath());
      agent = workspace.folder().resolve("underpass.jar");
      Workspace.copyTree(Project.agent(), agent);
      List<Visit> visits = visits();
      System.out.println();
      System.out.print(Visit.table(visits));
      if (!visits.stream().allMatch(Visit::right)) {
        System.err.println("sample-ports: not everybody was answered by whom it should be");
        return 1;
      }
      return 0;
    }
  }

  private List<Visit> visits() {
    Child blue = server("blue", ",publish=" + port);
    Child green = server("green", "");
    Child blueClient = start("blue client", "group=blue", GroupClient.class);
    Child greenClient = start("green client", "group=green", GroupClient.class);
    Child plainClient = start("plain client", null, GroupClient.class);
    for (Child server : List.of(blue, green)) {
      // It binds before it reads its input.
      System.out.printf(
          "%s listens on %d%n", server.name(), server.ask(Map.of()).get("port").asInt());
    }
    System.out.println("underpass ports:");
    underpass("ports").forEach(System.out::println);

    String ofBlue = "blue " + port;
    String ofGreen = "green " + port;
    List<Visit> visits = new ArrayList<>();
    visits.add(ask(blueClient, port, ofBlue));
    visits.add(ask(greenClient, port, ofGreen));
    visits.add(ask(plainClient, port, ofBlue));
    visits.add(ask(plainClient, realPortOfGreen(), ofGreen));
    return visits;
  }

  private Child server(String group, String more) {
    return start(
        group + " server",
        "group=" + group + ",ports=" + port + more,
        GroupServer.class,
        group,
        Integer.toString(port));
  }

  /** A JVM of an ordinary user, with the agent unless {@code options} is null. */
  private Child start(String name, String options, Class<?> program, String... arguments) {
    // Jetty's log facade would say on standard error that nobody listens.
    JvmCommand jvm =
        JvmCommand.of(classPath, program)
            .withFlags("-Dslf4j.internal.verbosity=ERROR")
            .withArguments(arguments)
            .asNobody();
    if (options != null) {
      jvm = jvm.withAgent(agent, "socket=" + socket + "," + options);
    }
    return workspace.start(name, jvm.words());
  }

  private static Visit ask(Child client, int port, String expected) {
    String answer = client.ask(Map.of("port", port)).get("answer").asText();
    return new Visit(client.name(), port, expected, answer);
  }

  private int realPortOfGreen() {
    return Integer.parseInt(
        underpass("ports", "resolve", "green", Integer.toString(port)).getFirst());
  }

  /** What the command line prints. */
  private List<String> underpass(String... words) {
    List<String> command = new ArrayList<>(List.of(Project.command().toString()));
    command.addAll(List.of(words));
    command.add("--socket=" + socket);
    try (Child child = Child.start(String.join(" ", words), command)) {
      return child.rest(PATIENCE);
    }
  }
}
