package io.underpass.agent.weave;

import io.underpass.agent.hooks.Hooks;
import io.underpass.agent.hooks.SocketAccess;
import java.lang.instrument.ClassFileTransformer;
import java.lang.instrument.Instrumentation;
import java.security.ProtectionDomain;
import java.util.List;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.jar.JarFile;

/**
 * Puts the advice into the classes of {@link Target}, each when it is loaded; those that are loaded
 * already are retransformed. Byte Buddy is first touched when the first of them comes: a JVM
 * without sockets never loads it.
 */
public final class Weaver implements ClassFileTransformer {
  static final String MANAGEMENT_FACTORY = "java/lang/management/ManagementFactory";

  /** Classes that have their advice, and those that were left alone with the reason; by name. */
  private static final ConcurrentSkipListMap<String, String> DONE = new ConcurrentSkipListMap<>();

  private static final ConcurrentSkipListMap<String, String> SKIPPED =
      new ConcurrentSkipListMap<>();

  private final JarFile jar;

  private Weaver(JarFile jar) {
    this.jar = jar;
  }

  /**
   * Installs the transformer.
   *
   * @return whether JMX is in use already, so that the beans have to be published without being
   *     asked for
   */
  public static boolean install(Instrumentation instrumentation, JarFile jar) {
    SocketAccess.open(instrumentation);
    instrumentation.addTransformer(new Weaver(jar), true);
    boolean management = false;
    for (Class<?> loaded : instrumentation.getAllLoadedClasses()) {
      if (loaded.getClassLoader() != null || loaded.isArray()) {
        continue;
      }
      String name = loaded.getName().replace('.', '/');
      if (Target.ALL.containsKey(name)) {
        Hooks.TABLE.expectStrangers();
        management |= name.equals(MANAGEMENT_FACTORY);
        retransform(instrumentation, loaded);
      }
    }
    return management;
  }

  /** The classes that have their advice. */
  public static List<String> done() {
    return List.copyOf(DONE.keySet());
  }

  /** The classes that were left alone, each with the reason. */
  public static List<String> skipped() {
    return SKIPPED.entrySet().stream()
        .map(entry -> entry.getKey() + ": " + entry.getValue())
        .toList();
  }

  @Override
  public byte[] transform(
      Module module,
      ClassLoader loader,
      String name,
      Class<?> redefined,
      ProtectionDomain domain,
      byte[] bytes) {
    // Called for every class that is loaded: what is not the boot loader's is none of ours.
    Target target = loader == null && name != null ? Target.ALL.get(name) : null;
    if (target == null) {
      return null;
    }
    try {
      byte[] woven = new Loom(target, bytes, jar).weave();
      DONE.put(target.type(), "");
      return woven;
    } catch (Throwable e) {
      SKIPPED.put(target.type(), String.valueOf(e.getMessage()));
      return null;
    }
  }

  private static void retransform(Instrumentation instrumentation, Class<?> loaded) {
    try {
      instrumentation.retransformClasses(loaded);
    } catch (Throwable e) {
      DONE.remove(loaded.getName());
      SKIPPED.put(loaded.getName(), e.toString());
    }
  }
}
