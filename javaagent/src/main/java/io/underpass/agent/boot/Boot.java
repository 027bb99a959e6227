package io.underpass.agent.boot;

import io.underpass.agent.hooks.Hooks;
import io.underpass.agent.jmx.Beans;
import io.underpass.agent.weave.JavaBase;
import io.underpass.agent.weave.Weaver;
import io.underpass.config.Settings;
import io.underpass.config.Settings.Mode;
import java.lang.instrument.Instrumentation;
import java.util.List;

/**
 * The agent's start: settings, hooks, registration. Called by {@code AgentMain}; next hop: {@link
 * Registration}.
 *
 * <p>A start costs every JVM that has the flag, so what follows is lazy where it can be: a class is
 * woven when it is loaded, socket options are looked up after the first registration, the beans
 * appear with the MBean server.
 */
public final class Boot {
  private Boot() {}

  /** Starts the agent, unless this JVM has it already; what goes wrong is one line. */
  public static void start(String argument, Instrumentation instrumentation) throws Exception {
    Settings settings = Settings.read(argument);
    if (settings.enabled() == Mode.OFF || !JavaBase.prepare(instrumentation)) {
      return;
    }
    List<String> problems = settings.problems();
    if (!problems.isEmpty()) {
      say("ignored " + String.join("; ", problems));
    }
    Registration registration = new Registration(settings);
    Hooks.install(new Beans(registration, settings.flows()));
    boolean beansNow = Weaver.install(instrumentation, new DatagramsAhead(registration));
    Trouble trouble = registration.attempt();
    if (trouble != null) {
      String loudness = settings.enabled() == Mode.ON ? "WARNING: " : "";
      say(loudness + "running plain: " + trouble.reason() + "; " + trouble.remedy());
    }
    GroupStanding group = registration.groupStanding();
    if (trouble == null && !group.reason().isEmpty()) {
      say("running without group " + group.group() + ": " + group.reason());
    }
    registration.keep(beansNow);
  }

  /** One line on standard error. */
  static void say(String line) {
    System.err.println("underpass: " + line);
  }
}
