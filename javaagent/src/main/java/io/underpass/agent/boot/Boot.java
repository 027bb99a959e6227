package io.underpass.agent.boot;

import io.underpass.agent.hooks.Hooks;
import io.underpass.agent.jmx.Beans;
import io.underpass.agent.weave.Weaver;
import io.underpass.config.Settings;
import io.underpass.config.Settings.Mode;
import java.lang.instrument.Instrumentation;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.jar.JarFile;

/**
 * The agent's start: settings, hooks, registration. Called by {@code AgentMain}; next hop: {@link
 * Registration}.
 *
 * <p>A start costs every JVM that has the flag, so what follows is lazy where it can be: a class is
 * woven when it is loaded, socket options are looked up after the first registration, the beans
 * appear with the MBean server.
 */
public final class Boot {
  /** The copy that the boot loader has decides; whoever comes second has nothing to do. */
  private static final AtomicBoolean STARTED = new AtomicBoolean();

  private Boot() {}

  /** Starts the agent once; what goes wrong is one line. */
  public static void start(String argument, Instrumentation instrumentation, JarFile jar) {
    if (Boot.class.getClassLoader() != null) {
      throw new IllegalStateException("its jar is not on the boot class path");
    }
    Settings settings = Settings.read(argument);
    if (settings.enabled() == Mode.OFF || !STARTED.compareAndSet(false, true)) {
      return;
    }
    if (!settings.problems().isEmpty()) {
      say("underpass: ignored " + String.join("; ", settings.problems()));
    }
    Registration registration = new Registration(settings);
    Hooks.onPlatformServer(new Beans.Publisher(registration, settings.flows()));
    boolean beansNow = Weaver.install(instrumentation, jar);
    Trouble trouble = registration.attempt();
    if (trouble != null) {
      String loudness = settings.enabled() == Mode.ON ? "WARNING: " : "";
      say(
          "underpass: "
              + loudness
              + "running plain: "
              + trouble.reason()
              + "; "
              + trouble.remedy());
    }
    registration.keep(beansNow);
  }

  private static void say(String line) {
    System.err.println(line);
  }
}
