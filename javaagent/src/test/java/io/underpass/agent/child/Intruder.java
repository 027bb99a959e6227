/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.agent.child;

import java.io.FileDescriptor;
import java.lang.StackWalker.StackFrame;
import java.lang.instrument.Instrumentation;
import java.lang.invoke.MethodHandles;
import java.lang.management.ManagementFactory;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.util.Set;
import java.util.concurrent.ConcurrentSkipListSet;
import javax.management.MBeanServer;
import javax.management.MBeanServerBuilder;
import javax.management.MBeanServerDelegate;
import javax.management.ObjectName;
import javax.management.StandardMBean;

/**
 * A program that would like to have what is opened to the agent, and has been given no flag: it
 * looks for a class of the agent's wherever one may be had, and for a way on from there. One line
 * for each attempt.
 */
public final class Intruder {
  private static final String OPENER = "io.underpass.agent.jdk.JavaBase";
  private static final String WANTED = "java.io.FileDescriptor";

  /** What came of the classes that turned up: by where, and how far. */
  private static final Set<String> TURNED_UP = new ConcurrentSkipListSet<>();

  private Intruder() {}

  /** Something that is tried; what it answers is what it got. */
  private interface Attempt {
    Object make() throws Throwable;
  }

  /** Arguments: the options of an agent that it starts itself. */
  public static void main(String[] args) throws Exception {
    MBeanServer server = ManagementFactory.getPlatformMBeanServer();
    for (String type : new String[] {"Accelerator", "Flows", "Ports"}) {
      ObjectName name = new ObjectName("io.underpass:type=" + type);
      tell("loader of " + type, () -> server.getClassLoaderFor(name));
      tell("bean " + type, () -> server.getMBeanInfo(name).getAttributes().length > 0);
    }
    tell("the wish", () -> field(FileDescriptor.class, "fd"));
    Class<?> bridge = Class.forName("sun.nio.ch.UnderpassBridge");
    tell("bridge", () -> bridge.getMethod("connect", bridge).invoke(null, (Object) null));
    tell("agent of the bridge", () -> field(bridge, "agent"));
    for (Thread thread : Thread.getAllStackTraces().keySet()) {
      if (thread.getContextClassLoader() != null) {
        turnUp("thread", thread.getContextClassLoader());
      }
    }
    for (Object value : System.getProperties().values()) {
      if (!(value instanceof String)) {
        turnUp("property", value.getClass().getClassLoader());
      }
    }
    Method premain =
        Class.forName("io.underpass.agent.AgentMain")
            .getMethod("premain", String.class, Instrumentation.class);
    tell("another agent", () -> premain.invoke(null, args[0], instrumentation()));
    TURNED_UP.forEach(System.out::println);
  }

  private static void tell(String what, Attempt attempt) {
    System.out.println(what + ": " + outcome(attempt));
  }

  private static String outcome(Attempt attempt) {
    try {
      return String.valueOf(attempt.make());
    } catch (InvocationTargetException e) {
      return "threw " + e.getCause().getClass().getSimpleName();
    } catch (Throwable e) {
      return e.getClass().getSimpleName();
    }
  }

  private static Object field(Class<?> type, String name) throws Exception {
    var field = type.getDeclaredField(name);
    field.setAccessible(true);
    return "had";
  }

  /** Goes from a class loader to the method that opens the JDK's packages. */
  private static void turnUp(String where, ClassLoader loader) {
    if (loader == null) {
      return; // the JDK's
    }
    Attempt call = () -> opener(loader).invoke(null, WANTED);
    Attempt force =
        () -> {
          opener(loader).setAccessible(true);
          return opener(loader).invoke(null, WANTED);
        };
    Attempt look =
        () -> {
          var lookup = MethodHandles.privateLookupIn(type(loader, OPENER), MethodHandles.lookup());
          return field(lookup.lookupClass(), "PACKAGE");
        };
    Attempt again =
        () ->
            type(loader, "io.underpass.agent.boot.Boot")
                .getMethod("start", String.class, Instrumentation.class)
                .invoke(null, "enabled=auto", instrumentation());
    TURNED_UP.add(
        "%s, %s: %s, %s, %s"
            .formatted(
                where,
                isAgents(loader) ? "the agent's" : "its own",
                outcome(call),
                outcome(force),
                isAgents(loader) ? outcome(look) + ", " + outcome(again) : "-"));
  }

  /** The jar is on the class path too: what is loaded from there is nothing but a copy. */
  private static boolean isAgents(ClassLoader loader) {
    return !Intruder.class.getClassLoader().equals(loader);
  }

  private static Class<?> type(ClassLoader loader, String name) throws Exception {
    return Class.forName(name, true, loader);
  }

  private static Method opener(ClassLoader loader) throws Exception {
    return type(loader, OPENER).getMethod("lookup", String.class);
  }

  /** The agent calls it, with classes of its own on the stack. */
  private static void lookAtTheStack(String where) {
    StackWalker.getInstance(StackWalker.Option.RETAIN_CLASS_REFERENCE)
        .walk(frames -> frames.map(StackFrame::getDeclaringClass).toList())
        .forEach(
            type -> {
              String name = type.getName();
              if (name.startsWith("io.underpass.agent.") && !name.contains(".child.")) {
                turnUp(where, type.getClassLoader());
              }
            });
  }

  private static Instrumentation instrumentation() {
    InvocationHandler handler =
        (proxy, method, none) -> {
          if (method.getName().equals("redefineModule")) {
            boolean first = TURNED_UP.stream().noneMatch(l -> l.startsWith("instrumentation"));
            if (first) {
              TURNED_UP.add("instrumentation");
              lookAtTheStack("instrumentation");
            }
          }
          return method.getReturnType() == boolean.class ? Boolean.FALSE : null;
        };
    return (Instrumentation)
        Proxy.newProxyInstance(
            Intruder.class.getClassLoader(), new Class<?>[] {Instrumentation.class}, handler);
  }

  /** Named by a system property: makes the server that the agent's beans are registered with. */
  public static final class Builder extends MBeanServerBuilder {
    /** Called by the JDK. */
    public Builder() {}

    @Override
    public MBeanServer newMBeanServer(
        String domain, MBeanServer outer, MBeanServerDelegate delegate) {
      MBeanServer real = super.newMBeanServer(domain, outer, delegate);
      InvocationHandler handler =
          (proxy, method, arguments) -> {
            if (method.getName().equals("registerMBean")
                && arguments[1].toString().startsWith("io.underpass:")) {
              turnUp("bean", arguments[0].getClass().getClassLoader());
              if (arguments[0] instanceof StandardMBean bean) {
                turnUp("implementation", bean.getImplementation().getClass().getClassLoader());
                turnUp("interface", bean.getMBeanInterface().getClassLoader());
              }
              lookAtTheStack("registration");
            }
            try {
              return method.invoke(real, arguments);
            } catch (InvocationTargetException e) {
              throw e.getCause();
            }
          };
      return (MBeanServer)
          Proxy.newProxyInstance(
              Intruder.class.getClassLoader(), new Class<?>[] {MBeanServer.class}, handler);
    }
  }
}
