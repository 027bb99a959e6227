/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.agent;

import java.lang.instrument.Instrumentation;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;

/**
 * Called by the JVM, which has put the agent's jar at the end of the application's class path; next
 * hop: {@code AgentModule}.
 *
 * <p>As little as possible happens here, and nothing may leave: what {@code premain} throws ends
 * the JVM. Only where a group is required, and not got, the JVM is ended, before the application
 * has begun. This class and {@link Demand} alone are compiled for Java 8, so that an older JVM gets
 * a line too.
 */
public final class AgentMain {
  private AgentMain() {}

  /** With {@code -javaagent:underpass.jar[=key=value,...]}. */
  public static void premain(String argument, Instrumentation instrumentation) {
    String refusal = start(argument, instrumentation);
    if (refusal != null) {
      System.err.println("underpass: not started: " + refusal);
      System.exit(1); // an exception would end it too, with a stack trace
    }
  }

  /**
   * By attaching to a JVM that runs.
   *
   * @throws IllegalStateException if a group is required, and not got: the program goes on without
   *     the agent
   */
  public static void agentmain(String argument, Instrumentation instrumentation) {
    String refusal = start(argument, instrumentation);
    if (refusal != null) {
      System.err.println("underpass: not attached: " + refusal);
      throw new IllegalStateException(refusal);
    }
  }

  /** Why this JVM is not to run; null if it may. */
  private static String start(String argument, Instrumentation instrumentation) {
    try {
      // By name: it is of a version that the JVM may not know.
      Method start =
          Class.forName("io.underpass.agent.AgentModule")
              .getDeclaredMethod("start", String.class, Instrumentation.class);
      return (String) start.invoke(null, argument, instrumentation);
    } catch (UnsupportedClassVersionError e) {
      String java = "this is Java " + System.getProperty("java.version");
      return failed(argument, java, "run Java 17 or later");
    } catch (InvocationTargetException e) {
      return failed(argument, e.getCause());
    } catch (Throwable e) {
      return failed(argument, e);
    }
  }

  private static String failed(String argument, Throwable e) {
    return failed(
        argument,
        "the agent failed to start (" + e + ")",
        "leave it out, or set enabled=off, and report this");
  }

  private static String failed(String argument, String reason, String remedy) {
    Demand demand = Demand.of(argument);
    if (demand.isRequired()) {
      return "group " + demand.group() + " is required: " + reason + "; " + remedy;
    }
    String after =
        demand.group().isEmpty()
            ? ""
            : "; without group " + demand.group() + ", its ports are the host's";
    System.err.println("underpass: running plain: " + reason + "; " + remedy + after);
    return null;
  }
}
