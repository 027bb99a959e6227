/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.bpf.ports;

import io.underpass.bpf.ReadableClasses;
import io.underpass.ffm.ChannelCalls;
import io.underpass.protocol.HelperClient;
import io.underpass.testing.LeastPrivilege;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.Writer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** One of a test's processes, a {@link Member}, as its script sees it. */
final class Cast {
  /** So that a dozen of them fit a small machine, and say nothing but their lines. */
  private static final List<String> SMALL =
      List.of(
          "-XX:TieredStopAtLevel=1",
          "-XX:+UseSerialGC",
          "-Xmx64m",
          "-Xlog:disable",
          "-Xlog:all=warning:stderr",
          "--enable-native-access=ALL-UNNAMED",
          "--add-opens=java.base/sun.nio.ch=ALL-UNNAMED");

  private static final String CLASS_PATH = System.getProperty("java.class.path");

  private final Process process;
  private final BufferedReader out;

  /** What it said at its start: {@code joined ...}, {@code plain}, or the refusal. */
  final String start;

  private Cast(List<String> prefix, String classPath, List<String> options, List<String> arguments)
      throws IOException {
    List<String> command = new ArrayList<>(prefix);
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(SMALL);
    command.addAll(options);
    command.addAll(List.of("-cp", classPath, Member.class.getName()));
    command.addAll(arguments);
    process = new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
    out = process.inputReader();
    start = out.readLine();
  }

  /** A member of a group; {@code -} stands for no ports, publish, identity. */
  static Cast member(Path socket, String group, String ports, String publish, String identity)
      throws IOException {
    return new Cast(
        List.of(),
        CLASS_PATH,
        List.of(),
        List.of(socket.toString(), group, ports, publish, identity));
  }

  /** A member that promises to say so before it has datagram sockets. */
  static Cast memberWithoutDatagrams(Path socket, String group, String ports) throws IOException {
    return new Cast(
        List.of(),
        CLASS_PATH,
        List.of(),
        List.of(socket.toString(), group, ports, "-", "-", "later"));
  }

  /** The same, with options of the JVM. */
  static Cast memberWith(List<String> options, Path socket, String group, String ports)
      throws IOException {
    return new Cast(
        List.of(), CLASS_PATH, options, List.of(socket.toString(), group, ports, "-", "-"));
  }

  /** A process that no helper knows of. */
  static Cast plain() throws IOException {
    return new Cast(List.of(), CLASS_PATH, List.of(), List.of());
  }

  /**
   * A process of a user without any privilege, with classes that this user can read.
   *
   * @param member as {@link Member} takes them; none for a process that no helper knows of
   */
  static Cast user(int uid, Path classes, List<String> options, List<String> member)
      throws IOException {
    return new Cast(LeastPrivilege.stranger(uid), classes.toString(), options, member);
  }

  /** Copies the classes that a {@link Member} needs to where everybody can read them. */
  static void copyClasses(Path to) throws IOException {
    ReadableClasses.copy(to, List.of(Member.class, ChannelCalls.class, HelperClient.class));
  }

  /** Its answer. */
  String say(String line) throws IOException {
    Writer in = process.outputWriter();
    in.write(line + "\n");
    in.flush();
    return out.readLine();
  }

  boolean isAlive() {
    return process.isAlive();
  }

  long pid() {
    return process.pid();
  }

  /** SIGKILL. */
  void kill() {
    process.destroyForcibly();
    try {
      if (!process.waitFor(20, TimeUnit.SECONDS)) {
        throw new AssertionError("it does not end");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AssertionError(e);
    }
  }
}
