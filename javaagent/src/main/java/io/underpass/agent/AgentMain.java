package io.underpass.agent;

import io.underpass.agent.boot.Boot;
import java.io.File;
import java.lang.instrument.Instrumentation;
import java.util.jar.JarFile;

/**
 * Called by the JVM, by the system class loader's copy of this class; next hop: {@link Boot}, of
 * the boot loader.
 *
 * <p>As little as possible happens here: the jar goes onto the boot class path, so that advice in
 * {@code java.base} sees the hooks. Nothing may leave these methods: what {@code premain} throws
 * ends the JVM.
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
      // Not closed: the boot loader and the weaving read it as long as the JVM lives.
      JarFile jar =
          new JarFile(
              new File(AgentMain.class.getProtectionDomain().getCodeSource().getLocation().toURI()),
              false);
      instrumentation.appendToBootstrapClassLoaderSearch(jar);
      Boot.start(argument, instrumentation, jar);
    } catch (Throwable e) {
      System.err.println(
          "underpass: running plain: the agent failed to start ("
              + e
              + ");"
              + " run with -javaagent:underpass.jar=enabled=off, and report this");
    }
  }
}
