/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.samples.demo;

import com.fasterxml.jackson.core.JsonProcessingException;
import io.underpass.samples.process.Child;
import io.underpass.samples.process.Dialogue;
import io.underpass.samples.process.JvmCommand;
import io.underpass.samples.process.User;
import io.underpass.samples.process.Workspace;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;

/**
 * A server and a client, each in its own JVM, and what their rounds came to. Used by one thread.
 */
final class Pair {

  /** As many connections as callers: HttpClient keeps one alive for each. */
  private static final int CALLERS = 2;

  private final String name;
  private final Child server;
  private final Child client;
  private Round rounds = Round.none();
  private Duration cpuTime = Duration.ZERO;

  private Pair(String name, Child server, Child client) {
    this.name = name;
    this.server = server;
    this.client = client;
  }

  /**
   * Starts both.
   *
   * @param jvm adds what this pair's JVMs are to have, the agent or nothing
   */
  static Pair start(
      String name,
      Workspace workspace,
      String classPath,
      Path folder,
      List<Content.Item> items,
      UnaryOperator<JvmCommand> jvm)
      throws JsonProcessingException {
    JvmCommand serve =
        jvm.apply(ordinary(classPath, DemoServer.class)).withArguments(folder.toString());
    Child server = workspace.start(name + " server", serve.words());
    int port = server.ask(Map.of()).get("port").asInt();
    JvmCommand call =
        jvm.apply(ordinary(classPath, DemoClient.class))
            .withArguments(
                "http://127.0.0.1:" + port,
                folder.toString(),
                Dialogue.JSON.writeValueAsString(items));
    return new Pair(name, server, workspace.start(name + " client", call.words()));
  }

  private static JvmCommand ordinary(String classPath, Class<?> program) {
    // Jetty's log facade would say on standard error that nobody listens.
    JvmCommand jvm =
        JvmCommand.of(classPath, program).withFlags("-Dslf4j.internal.verbosity=ERROR");
    return User.isRoot() ? jvm.asNobody() : jvm;
  }

  /**
   * Runs without counting times, until the JVMs have compiled what they need; bodies are checked
   * all the same.
   */
  void warmUp(Duration length) {
    Round round = ask(length);
    rounds =
        new Round(
            0,
            rounds.mismatches() + round.mismatches(),
            rounds.retries() + round.retries(),
            0,
            rounds.histograms());
  }

  void round(Duration length) {
    Duration before = cpuNow();
    rounds = rounds.plus(ask(length));
    cpuTime = cpuTime.plus(cpuNow().minus(before));
  }

  private Round ask(Duration length) {
    return Dialogue.JSON.convertValue(
        client.ask(Map.of("millis", length.toMillis(), "callers", CALLERS)), Round.class);
  }

  private Duration cpuNow() {
    return server.cpuTime().plus(client.cpuTime());
  }

  String name() {
    return name;
  }

  Child server() {
    return server;
  }

  Child client() {
    return client;
  }

  /** All rounds so far, added up. */
  Round rounds() {
    return rounds;
  }

  /** Processor time of both JVMs in all rounds so far, without the warm-up. */
  Duration cpuTime() {
    return cpuTime;
  }
}
