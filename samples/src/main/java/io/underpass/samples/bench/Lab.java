/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.samples.bench;

import io.underpass.protocol.HelperClient;
import io.underpass.samples.process.Cgroup;
import io.underpass.samples.process.Child;
import io.underpass.samples.process.ChildException;
import io.underpass.samples.process.HelperProcess;
import io.underpass.samples.process.JvmCommand;
import io.underpass.samples.process.Project;
import io.underpass.samples.process.Workspace;
import io.underpass.service.HelperConfig;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;

/** Where the pairs are started: with a helper of its own, if anything is to be accelerated. */
final class Lab implements AutoCloseable {

  /** A suite may have its JVMs join port groups; they run as root. */
  private static final String GROUPS = "group * uid 0";

  /** Longer than any answer takes that is measured. */
  private static final Duration ANSWER = Duration.ofSeconds(30);

  private final Plan plan;
  private final Selection selection;
  private final PrintWriter console;
  private final Workspace workspace;

  /** Null where there is none. */
  private HelperProcess helper;

  /** Null for that of this JVM. */
  private Cgroup cgroup;

  /** Makes names of files unique. */
  private int started;

  Lab(Plan plan, Selection selection, PrintWriter console) throws IOException {
    this.plan = plan;
    this.selection = selection;
    this.console = console;
    workspace = Workspace.create("bench");
    try {
      helper = plan.accelerate() ? HelperProcess.start(workspace, GROUPS) : null;
    } catch (IOException | RuntimeException e) {
      workspace.close();
      throw e;
    }
  }

  Plan plan() {
    return plan;
  }

  Selection selection() {
    return selection;
  }

  /** The layouts that were asked for. */
  List<Pinning> pinnings() throws IOException {
    return Pinning.available().stream().filter(selection::wants).toList();
  }

  /** Shows how far the suite has got. */
  void say(String line) {
    console.println(line);
  }

  /** For something to come to rest. */
  static void pause(long millis) {
    try {
      Thread.sleep(millis);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  Workspace workspace() {
    return workspace;
  }

  /** The helper; only where the plan accelerates. */
  Child helper() {
    return helper.child();
  }

  /** A connection that sees all of the helper; only where the plan accelerates. */
  HelperClient askHelper() throws IOException {
    return HelperClient.connect(HelperConfig.adminSocketOf(helper.socket()), ANSWER);
  }

  /** Ends the helper, if there is one: for a suite that measures without it. */
  void stopHelper() throws IOException {
    if (helper != null) {
      helper.close();
      helper = null;
    }
  }

  /** Starts a helper again. */
  void startHelper() throws IOException {
    helper = HelperProcess.start(workspace, GROUPS);
  }

  /** Has the JVMs that are started from here on run in a cgroup of their own; null: in this one. */
  void startIn(Cgroup other) {
    cgroup = other;
  }

  /** Two JVMs without the agent. */
  JvmPair plainPair(String label, Pinning pinning) {
    return pair(label, pinning, false, false, "");
  }

  /** A second plain pair, for the control rows. */
  JvmPair controlPair(Pinning pinning) {
    return plainPair(Side.CONTROL, pinning);
  }

  /** Two JVMs with the agent, unless the plan leaves it out. */
  JvmPair acceleratedPair(Pinning pinning) {
    return acceleratedPair(pinning, "");
  }

  /**
   * The same with more options of the agent.
   *
   * @param options each with a comma before it
   */
  JvmPair acceleratedPair(Pinning pinning, String options) {
    return pair(Side.ACCELERATED, pinning, plan.accelerate(), plan.accelerate(), options);
  }

  /** Only the one that connects has the agent, unless the plan leaves it out. */
  JvmPair callerWithAgentPair(Pinning pinning) {
    return pair(Side.ACCELERATED, pinning, false, plan.accelerate(), "");
  }

  /** Adds the agent, unless the plan leaves it out. */
  JvmCommand withAgent(JvmCommand jvm) {
    return withAgent(jvm, "");
  }

  private JvmCommand withAgent(JvmCommand jvm, String options) {
    return plan.accelerate() ? jvm.withAgent(Project.agent(), agentOptions() + options) : jvm;
  }

  /**
   * One JVM, with the agent and more options of it, unless they are null or the plan leaves it out.
   */
  Child single(String name, Class<?> program, String cpu, String options) {
    JvmCommand jvm =
        JvmCommand.of(Project.classPath(), program).onCpus(cpu).withFlags(Getsockname.FLAG);
    boolean agent = options != null && plan.accelerate();
    Child child =
        workspace.start(
            name, (agent ? jvm.withAgent(Project.agent(), agentOptions() + options) : jvm).words());
    if (agent) {
      awaitAgent(child);
    }
    return child;
  }

  /** What {@link #withAgent} adds, for JVMs that are not started here. */
  List<String> agentFlags() {
    return plan.accelerate()
        ? List.of("-javaagent:" + Project.agent() + "=" + agentOptions())
        : List.of();
  }

  private String agentOptions() {
    return "socket=" + helper.socket();
  }

  private JvmPair pair(
      String label, Pinning pinning, boolean serverAgent, boolean clientAgent, String options) {
    Child server =
        start(
            label + " server", PeerServer.class, pinning.serverCpu(), serverAgent ? options : null);
    Child client =
        start(
            label + " client", PeerClient.class, pinning.clientCpu(), clientAgent ? options : null);
    if (serverAgent) {
      awaitAgent(server);
    }
    if (clientAgent) {
      awaitAgent(client);
    }
    Path unixPath = workspace.folder().resolve("unix-" + started++ + ".sock");
    return new JvmPair(label, server, client, unixPath);
  }

  /** An agent that is not registered would be measured as a plain pair, and not be noticed. */
  private static void awaitAgent(Child child) {
    if (!child.ask(Map.of("verb", "await")).get("agent").asBoolean()) {
      throw new ChildException(child.name() + " has no agent");
    }
  }

  /** Without the agent where {@code options} is null. */
  private Child start(String name, Class<?> program, String cpu, String options) {
    JvmCommand jvm = JvmCommand.of(Project.classPath(), program).onCpus(cpu);
    JvmCommand placed = cgroup == null ? jvm : jvm.in(cgroup);
    return workspace.start(name, (options == null ? placed : withAgent(placed, options)).words());
  }

  @Override
  public void close() {
    workspace.close();
  }
}
