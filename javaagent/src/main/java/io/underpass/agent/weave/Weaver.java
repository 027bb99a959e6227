/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.agent.weave;

import java.lang.instrument.ClassFileTransformer;
import java.lang.instrument.Instrumentation;
import java.security.ProtectionDomain;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;

/**
 * Weaves the classes of {@link Targets}, each when it is loaded; those that are loaded already are
 * retransformed. Nothing of that is touched before the first of them comes: a JVM without sockets
 * never pays for it.
 */
public final class Weaver implements ClassFileTransformer {
  /**
   * Every datagram channel and socket of the JDK is one of these, so there is none before this
   * class is loaded.
   */
  private static final String DATAGRAMS = "sun/nio/ch/DatagramChannelImpl";

  private final Map<String, List<Member>> targets;
  private final Runnable beforeDatagrams;

  /** Why each hook is not in its class; empty: it is. Without those of classes to come. */
  private final Map<Member, String> outcomes = new HashMap<>();

  /**
   * Weaves the JDK.
   *
   * @param beforeDatagrams is run before this JVM makes its first datagram socket, by the thread
   *     that makes it; by {@link #install}, if the JVM may have made some already
   */
  public Weaver(Runnable beforeDatagrams) {
    this(Targets.ALL, beforeDatagrams);
  }

  Weaver(Map<String, List<Member>> targets, Runnable beforeDatagrams) {
    this.targets = targets;
    this.beforeDatagrams = beforeDatagrams;
  }

  /**
   * What there was before the transformer.
   *
   * @param jmx whether JMX is in use already, so that the beans have to be published without being
   *     asked for
   * @param sockets whether there may be connections that no hook has seen
   */
  public record Before(boolean jmx, boolean sockets) {}

  /** Installs the transformer. */
  public Before install(Instrumentation instrumentation) {
    // What the transformer touches has to be loaded before it is called for the loading of it.
    instrumentation.addTransformer(this, true);
    boolean jmx = false;
    boolean sockets = false;
    for (Class<?> loaded : instrumentation.getAllLoadedClasses()) {
      if (loaded.getClassLoader() != null || loaded.isArray()) {
        continue;
      }
      String name = loaded.getName().replace('.', '/');
      List<Member> members = targets.get(name);
      if (name.equals(DATAGRAMS)) {
        beforeDatagrams.run();
      }
      if (members == null) {
        continue;
      }
      jmx |= name.equals(Targets.MANAGEMENT_FACTORY);
      sockets |= makesConnections(members);
      try {
        instrumentation.retransformClasses(loaded);
      } catch (Throwable e) {
        failed(members, e);
      }
    }
    return new Before(jmx, sockets);
  }

  private static boolean makesConnections(List<Member> members) {
    for (Member member : members) {
      if (member.repair() == Repair.CONNECTIONS) {
        return true;
      }
    }
    return false;
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
    if (name.equals(DATAGRAMS) && redefined == null) {
      beforeDatagrams.run();
    }
    List<Member> members = targets.get(name);
    if (members == null) {
      return null;
    }
    try {
      ClassTransformer.Result result = ClassTransformer.transform(name, members, bytes);
      note(members, result.faults());
      return result.bytes();
    } catch (Throwable e) {
      failed(members, e);
      return null;
    }
  }

  private synchronized void note(List<Member> members, Map<Member, String> faults) {
    for (Member member : members) {
      outcomes.put(member, faults.getOrDefault(member, ""));
    }
  }

  private void failed(List<Member> members, Throwable e) {
    noteAll(members, "could not be woven (" + e + ")");
  }

  private synchronized void noteAll(List<Member> members, String fault) {
    for (Member member : members) {
      outcomes.put(member, fault);
    }
  }

  /**
   * The repair that this JDK has no place for. Without all repairs there must be no acceleration.
   * Loads the classes that have them: what there is of them is woven from then on.
   *
   * @return half a sentence that names the member of the JDK that is missing; null if none is
   */
  public String missingRepair() {
    Map<String, List<Member>> needs = needs();
    for (List<Member> places : needs.values()) {
      for (Member place : places) {
        load(place);
      }
    }
    synchronized (this) {
      for (List<Member> places : needs.values()) {
        if (isMissing(places)) {
          StringBuilder faults = new StringBuilder();
          for (Member place : places) {
            faults.append(faults.length() == 0 ? "" : ", ").append(fault(place));
          }
          return faults + ", which the repair of " + places.get(0).repair() + " needs";
        }
      }
    }
    return null;
  }

  /** The places of each need, of which one is enough. */
  private Map<String, List<Member>> needs() {
    Map<String, List<Member>> needs = new LinkedHashMap<>();
    for (List<Member> members : targets.values()) {
      for (Member member : members) {
        if (!member.need().isEmpty()) {
          List<Member> places = needs.get(member.need());
          if (places == null) {
            places = new ArrayList<>();
            needs.put(member.need(), places);
          }
          places.add(member);
        }
      }
    }
    return needs;
  }

  /** To load a class is to have it woven. */
  private void load(Member member) {
    synchronized (this) {
      if (outcomes.containsKey(member)) {
        return;
      }
    }
    try {
      Class.forName(member.type().replace('/', '.'), false, null);
    } catch (ClassNotFoundException | LinkageError e) {
      isNotThere(member.type());
    }
  }

  /** This JDK has no such class. */
  void isNotThere(String type) {
    noteAll(targets.get(type), "is not there");
  }

  /** Whether all places are known, and none has its hook. */
  private boolean isMissing(List<Member> places) {
    for (Member place : places) {
      String outcome = outcomes.get(place);
      if (outcome == null || outcome.isEmpty()) {
        return false;
      }
    }
    return true;
  }

  private String fault(Member member) {
    return member.type().replace('/', '.') + " " + outcomes.get(member);
  }

  /** The classes that have hooks in them. */
  public synchronized List<String> woven() {
    TreeSet<String> names = new TreeSet<>();
    for (Map.Entry<Member, String> outcome : outcomes.entrySet()) {
      if (outcome.getValue().isEmpty()) {
        names.add(outcome.getKey().type().replace('/', '.'));
      }
    }
    return List.copyOf(names);
  }

  /** The hooks that this JDK has no place for, each with the reason. */
  public synchronized List<String> leftOut() {
    TreeSet<String> faults = new TreeSet<>();
    Map<String, List<Member>> needs = needs();
    for (Map.Entry<Member, String> outcome : outcomes.entrySet()) {
      List<Member> places = needs.get(outcome.getKey().need());
      // Another release's place for what this JDK has elsewhere is nothing that is missing.
      if (!outcome.getValue().isEmpty() && (places == null || isMissing(places))) {
        faults.add(fault(outcome.getKey()));
      }
    }
    return List.copyOf(faults);
  }
}
