package io.underpass.agent.boot;

import io.underpass.agent.beans.Beans;
import io.underpass.agent.hooks.Hooks;
import io.underpass.agent.weave.JavaBase;
import io.underpass.agent.weave.Weaver;
import io.underpass.config.Settings;
import io.underpass.config.Settings.Mode;
import java.lang.instrument.Instrumentation;
import java.util.List;

/**
 * The agent's start: settings, hooks, registration. Called by {@code AgentModule}; next hop: {@link
 * Registration}.
 *
 * <p>A start costs every JVM that has the flag, so what follows is lazy where it can be: a class is
 * woven when it is loaded, socket options are looked up after the first registration, the beans
 * appear with the MBean server.
 */
public final class Boot {
  /** What a program does that was meant for a group. */
  private static final String WITHOUT_GROUP = "without a group its ports are the host's";

  private Boot() {}

  /**
   * Starts the agent, unless this JVM has it already; what goes wrong is one line.
   *
   * @return why this JVM is not to run; null if it may, as it may wherever no group is required
   */
  public static String start(String argument, Instrumentation instrumentation) throws Exception {
    Settings settings = Settings.read(argument);
    List<String> problems = settings.problems();
    if (settings.required() && !problems.isEmpty()) {
      return "a group is required, and of the options these are not valid: "
          + String.join("; ", problems);
    }
    if (settings.enabled() == Mode.OFF) {
      return refusal(settings, "enabled=off");
    }
    if (!JavaBase.prepare(instrumentation)) {
      return refusal(settings, "this JVM has the agent already; give the flag once");
    }
    if (!problems.isEmpty()) {
      String after = settings.groupless() ? "; " + WITHOUT_GROUP : "";
      say("ignored " + String.join("; ", problems) + after);
    }
    Registration registration = new Registration(settings);
    Hooks.install(new Beans(registration, settings.flows()));
    boolean beansNow = Weaver.install(instrumentation, new DatagramsAhead(registration));
    Trouble trouble = registration.attempt();
    GroupStanding group = registration.groupStanding();
    if (settings.required() && !group.joined()) {
      return refusal(settings, trouble.reason() + "; " + trouble.remedy());
    }
    if (trouble != null) {
      String loudness = settings.enabled() == Mode.ON ? "WARNING: " : "";
      String after = group.group().isEmpty() ? "" : "; " + without(group);
      say(loudness + "running plain: " + trouble.reason() + "; " + trouble.remedy() + after);
    } else if (!group.reason().isEmpty()) {
      say("running " + without(group) + ": " + group.reason());
    }
    registration.keep(beansNow);
    return null;
  }

  private static String without(GroupStanding group) {
    return "without group " + group.group() + ", its ports are the host's";
  }

  private static String refusal(Settings settings, String reason) {
    return settings.required()
        ? "group " + settings.wish().group() + " is required: " + reason
        : null;
  }

  /** One line on standard error. */
  static void say(String line) {
    System.err.println("underpass: " + line);
  }
}
