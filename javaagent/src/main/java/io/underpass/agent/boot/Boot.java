/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.agent.boot;

import io.underpass.agent.beans.Beans;
import io.underpass.agent.hooks.Acceleration;
import io.underpass.agent.hooks.Hooks;
import io.underpass.agent.jdk.JavaBase;
import io.underpass.agent.report.Console;
import io.underpass.agent.session.DatagramPromise;
import io.underpass.agent.session.GroupState;
import io.underpass.agent.session.HelperNumbers;
import io.underpass.agent.session.HelperSession;
import io.underpass.agent.session.Trouble;
import io.underpass.agent.weave.Weaver;
import io.underpass.config.Settings;
import io.underpass.config.Settings.Mode;
import java.lang.instrument.Instrumentation;
import java.util.List;

/**
 * The agent's start: settings, hooks, session. Called by {@code AgentModule}; next hop: {@link
 * HelperSession}.
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
      Console.say("ignored " + String.join("; ", problems) + after);
    }
    Acceleration acceleration =
        new Acceleration(
            new Acceleration.Options(settings.spin(), settings.pace(), settings.joinNow()));
    DatagramPromise promise = new DatagramPromise();
    Weaver weaver = new Weaver(promise);
    HelperSession session = new HelperSession(settings, acceleration, weaver, promise);
    Beans beans =
        new Beans(session, new HelperNumbers(session), acceleration, weaver, settings.flows());
    Hooks.install(acceleration, beans);
    Weaver.Before before = weaver.install(instrumentation);
    if (before.sockets()) {
      acceleration.table().expectStrangers();
    }
    Trouble trouble = session.attempt();
    GroupState group = session.group();
    if (settings.required() && !group.joined()) {
      return refusal(settings, trouble.reason() + "; " + trouble.remedy());
    }
    if (trouble != null) {
      String loudness = settings.enabled() == Mode.ON ? "WARNING: " : "";
      String after = group.group().isEmpty() || group.joined() ? "" : "; " + without(group);
      Console.say(
          loudness + "running plain: " + trouble.reason() + "; " + trouble.remedy() + after);
    } else if (!group.reason().isEmpty()) {
      Console.say("running " + without(group) + ": " + group.reason());
    }
    session.keep(before.jmx() ? beans : null);
    return null;
  }

  private static String without(GroupState group) {
    return "without group " + group.group() + ", its ports are the host's";
  }

  private static String refusal(Settings settings, String reason) {
    return settings.required()
        ? "group " + settings.wish().group() + " is required: " + reason
        : null;
  }
}
