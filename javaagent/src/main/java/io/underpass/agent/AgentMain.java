package io.underpass.agent;

import java.lang.instrument.Instrumentation;
import java.lang.reflect.InvocationTargetException;
import java.net.URL;
import java.net.URLClassLoader;

/**
 * Called by the JVM, which has put the agent's jar at the end of the application's class path; next
 * hop: {@code Boot}.
 *
 * <p>As little as possible happens here, and nothing may leave: what {@code premain} throws ends
 * the JVM. The rest of the agent lives in a class loader of its own, so that neither sees the
 * other's classes, and what the agent opens in {@code java.base} stays closed to the application.
 * This class alone is compiled for Java 8, so that an older JVM gets a line too and starts.
 */
public final class AgentMain {
  private AgentMain() {}

  /** With {@code -javaagent:underpass.jar[=key=value,...]}. */
  public static void premain(String argument, Instrumentation instrumentation) {
    start(argument, instrumentation);
  }

  /** By attaching to a JVM that runs. */
  public static void agentmain(String argument, Instrumentation instrumentation) {
    start(argument, instrumentation);
  }

  private static void start(String argument, Instrumentation instrumentation) {
    try {
      URL jar = AgentMain.class.getProtectionDomain().getCodeSource().getLocation();
      // Never closed: the agent lives as long as the JVM. No parent but the boot loader.
      ClassLoader loader = new URLClassLoader(new URL[] {jar}, null);
      Class.forName("io.underpass.agent.boot.Boot", true, loader)
          .getMethod("start", String.class, Instrumentation.class)
          .invoke(null, argument, instrumentation);
    } catch (UnsupportedClassVersionError e) {
      say("this is Java " + System.getProperty("java.version"), "run Java 25 or later");
    } catch (InvocationTargetException e) {
      failed(e.getCause());
    } catch (Throwable e) {
      failed(e);
    }
  }

  private static void failed(Throwable e) {
    say(
        "the agent failed to start (" + e + ")",
        "leave it out, or set enabled=off, and report this");
  }

  private static void say(String reason, String remedy) {
    System.err.println("underpass: running plain: " + reason + "; " + remedy);
  }
}
