/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.agent.jdk;

import java.io.IOException;
import java.io.InputStream;
import java.lang.instrument.Instrumentation;
import java.lang.invoke.MethodHandles;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * What has to change in {@code java.base} before anything can be woven: some packages opened,
 * another exported, one class added.
 */
public final class JavaBase {
  private static final String PACKAGE = "sun.nio.ch";

  /** Has {@code FileDescriptor}, of which the number is read. */
  private static final String DESCRIPTORS = "java.io";

  /** Has the exception that the JDK's native reads throw at a reset; see {@code Failures}. */
  private static final String RESETS = "sun.net";

  /** Lets the agent know when this JVM ends, where this JDK has it; see {@code Exit}. */
  private static final String ACCESS = "jdk.internal.access";

  /** Any class of the package that every JVM has loaded by now. */
  private static final String NEIGHBOUR = "sun.nio.ch.DirectBuffer";

  /** Where the build put the class of {@code io.underpass.agent.bridge}. */
  public static final String BRIDGE = "sun/nio/ch/UnderpassBridge";

  /** The sockets that a JDK before 18 makes in place of its own newer ones where it is told to. */
  private static final String OLD_SOCKETS = "java.net.PlainSocketImpl";

  private static final String OLD_SOCKETS_OPTION = "jdk.net.usePlainSocketImpl";

  private JavaBase() {}

  /**
   * Opens the packages to the agent's module and to nobody else, and defines the bridge in it.
   *
   * @return false if the bridge is there: this JVM has the agent already
   */
  public static boolean prepare(Instrumentation instrumentation)
      throws ReflectiveOperationException, IOException {
    Module agent = JavaBase.class.getModule();
    Set<Module> callers = new HashSet<>();
    callers.add(agent);
    // Its getPlatformMBeanServer() is woven too.
    Optional<Module> management = ModuleLayer.boot().findModule("java.management");
    if (management.isPresent()) {
      callers.add(management.get());
    }
    Map<String, Set<Module>> exports = new HashMap<>(Map.of(PACKAGE, callers));
    if (Object.class.getModule().getPackages().contains(ACCESS)) {
      exports.put(ACCESS, Set.of(agent));
    }
    Map<String, Set<Module>> opens = new HashMap<>();
    for (String opened : List.of(PACKAGE, DESCRIPTORS, RESETS)) {
      if (Object.class.getModule().getPackages().contains(opened)) {
        opens.put(opened, Set.of(agent));
      }
    }
    instrumentation.redefineModule(
        Object.class.getModule(), Set.of(), exports, opens, Set.of(), Map.of());
    byte[] bytes;
    try (InputStream in = JavaBase.class.getResourceAsStream("/" + BRIDGE + ".class")) {
      bytes = in.readAllBytes();
    }
    try {
      lookup(NEIGHBOUR).defineClass(bytes);
      return true;
    } catch (LinkageError e) {
      return false;
    }
  }

  /**
   * Whether this JVM was told to make the JDK's older sockets, of which nothing is woven. As the
   * JDK reads the option.
   *
   * @return the option, or null
   */
  public static String optionForOldSockets() {
    String value = System.getProperty(OLD_SOCKETS_OPTION);
    if (value == null || !(value.isEmpty() || value.equalsIgnoreCase("true"))) {
      return null;
    }
    try {
      Class.forName(OLD_SOCKETS, false, null);
      return OLD_SOCKETS_OPTION;
    } catch (ClassNotFoundException e) {
      return null;
    }
  }

  /**
   * Full access to a class of the opened packages. What keeps it from the application is that the
   * agent's module does not export this package, not even to reflection; see {@code AgentModule}.
   */
  public static MethodHandles.Lookup lookup(String type) throws ReflectiveOperationException {
    return MethodHandles.privateLookupIn(Class.forName(type, false, null), MethodHandles.lookup());
  }
}
