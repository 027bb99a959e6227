package io.underpass.agent.weave;

import io.underpass.agent.hooks.Hooks;
import java.lang.instrument.ClassFileTransformer;
import java.lang.instrument.Instrumentation;
import java.security.ProtectionDomain;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentSkipListMap;

/**
 * Weaves the classes of {@link Target}, each when it is loaded; those that are loaded already are
 * retransformed. Nothing of that is touched before the first of them comes: a JVM without sockets
 * never pays for it.
 */
public final class Weaver implements ClassFileTransformer {
  /** Why each class was left alone, by name; an empty reason: it is woven. */
  private static final ConcurrentSkipListMap<String, String> OUTCOMES =
      new ConcurrentSkipListMap<>();

  /**
   * Every datagram channel and socket of the JDK is one of these, so there is none before this
   * class is loaded.
   */
  private static final String DATAGRAMS = "sun/nio/ch/DatagramChannelImpl";

  private final Runnable beforeDatagrams;

  private Weaver(Runnable beforeDatagrams) {
    this.beforeDatagrams = beforeDatagrams;
  }

  /**
   * Installs the transformer.
   *
   * @param beforeDatagrams is run before this JVM makes its first datagram socket, by the thread
   *     that makes it; now, if it may have made some already
   * @return whether JMX is in use already, so that the beans have to be published without being
   *     asked for
   */
  public static boolean install(Instrumentation instrumentation, Runnable beforeDatagrams) {
    // What the transformer touches has to be loaded before it is called for the loading of it.
    Map<String, Target> targets = Target.ALL;
    instrumentation.addTransformer(new Weaver(beforeDatagrams), true);
    boolean management = false;
    for (Class<?> loaded : instrumentation.getAllLoadedClasses()) {
      if (loaded.getClassLoader() != null || loaded.isArray()) {
        continue;
      }
      String name = loaded.getName().replace('.', '/');
      if (name.equals(DATAGRAMS)) {
        beforeDatagrams.run();
      }
      if (!targets.containsKey(name)) {
        continue;
      }
      if (name.equals(Target.MANAGEMENT_FACTORY)) {
        management = true;
      } else {
        Hooks.TABLE.expectStrangers();
      }
      try {
        instrumentation.retransformClasses(loaded);
      } catch (Throwable e) {
        OUTCOMES.put(name, e.toString());
      }
    }
    return management;
  }

  /** The classes that are woven. */
  public static List<String> woven() {
    List<String> names = new ArrayList<>();
    OUTCOMES.forEach(
        (name, fault) -> {
          if (fault.isEmpty()) {
            names.add(name.replace('/', '.'));
          }
        });
    return names;
  }

  /** The classes that were left alone, each with the reason. */
  public static List<String> leftAlone() {
    List<String> names = new ArrayList<>();
    OUTCOMES.forEach(
        (name, fault) -> {
          if (!fault.isEmpty()) {
            names.add(name.replace('/', '.') + ": " + fault);
          }
        });
    return names;
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
    if (loader != null || name == null) {
      return null;
    }
    Target target = Target.ALL.get(name);
    if (target == null) {
      if (name.equals(DATAGRAMS)) {
        beforeDatagrams.run();
      }
      return null;
    }
    try {
      byte[] woven = new Loom(target, bytes).weave();
      OUTCOMES.put(name, "");
      return woven;
    } catch (Throwable e) {
      OUTCOMES.put(name, e.toString());
      return null;
    }
  }
}
