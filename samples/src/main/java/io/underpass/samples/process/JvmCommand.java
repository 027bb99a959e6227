/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.samples.process;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * The command line of a JVM: which class, on which processors, as whom, with which agent.
 * Immutable; each method gives a copy with one thing more. setpriv(1) and taskset(1) replace
 * themselves by what they run, so the pid that is started is the JVM's.
 */
public record JvmCommand(
    String classPath,
    String mainClass,
    List<String> prefix,
    List<String> flags,
    List<String> arguments) {

  /** An ordinary user of every Linux host, without groups (nobody). */
  public static final int NOBODY = 65534;

  public JvmCommand {
    prefix = List.copyOf(prefix);
    flags = List.copyOf(flags);
    arguments = List.copyOf(arguments);
  }

  /** A JVM of the release that runs this one. */
  public static JvmCommand of(String classPath, Class<?> mainClass) {
    // No performance data file: as nobody it would lie about in /tmp after a kill.
    return new JvmCommand(
        classPath,
        mainClass.getName(),
        List.of(),
        List.of("-XX:-UsePerfData", "-Xms128m", "-Xmx512m"),
        List.of());
  }

  /** As the user {@link #NOBODY}, without any group or privilege; needs root. */
  public JvmCommand asNobody() {
    return before(
        "setpriv",
        "--reuid=" + NOBODY,
        "--regid=" + NOBODY,
        "--clear-groups",
        "--no-new-privs",
        "--inh-caps=-all");
  }

  /**
   * With all its threads, those of the collector and the compilers too, on these processors ("0",
   * "0,1").
   */
  public JvmCommand onCpus(String cpus) {
    return before("taskset", "--cpu-list", cpus);
  }

  /** In this cgroup. */
  public JvmCommand in(Cgroup cgroup) {
    return before(cgroup.prefix().toArray(String[]::new));
  }

  /** With the Java agent {@code jar}, and {@code options} as its argument. */
  public JvmCommand withAgent(Path jar, String options) {
    return withFlags("-javaagent:" + jar + "=" + options);
  }

  public JvmCommand withFlags(String... more) {
    return new JvmCommand(classPath, mainClass, prefix, joined(flags, more), arguments);
  }

  public JvmCommand withArguments(String... more) {
    return new JvmCommand(classPath, mainClass, prefix, flags, joined(arguments, more));
  }

  /** The words of the command, as exec(3) wants them. */
  public List<String> words() {
    List<String> words = new ArrayList<>(prefix);
    words.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    words.addAll(flags);
    words.add("-cp");
    words.add(classPath);
    words.add(mainClass);
    words.addAll(arguments);
    return List.copyOf(words);
  }

  private JvmCommand before(String... words) {
    return new JvmCommand(classPath, mainClass, joined(prefix, words), flags, arguments);
  }

  private static List<String> joined(List<String> first, String... more) {
    List<String> all = new ArrayList<>(first);
    all.addAll(List.of(more));
    return all;
  }
}
