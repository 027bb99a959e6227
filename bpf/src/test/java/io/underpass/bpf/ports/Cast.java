package io.underpass.bpf.ports;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.Writer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** One of a test's processes, a {@link Member}, as its script sees it. */
final class Cast {
  /** So that a dozen of them fit a small machine. */
  private static final List<String> SMALL =
      List.of("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx64m");

  private final Process process;
  private final BufferedReader out;

  /** What it said at its start: {@code joined ...}, {@code plain}, or the refusal. */
  final String start;

  private Cast(List<String> prefix, List<String> options, List<String> arguments)
      throws IOException {
    List<String> command = new ArrayList<>(prefix);
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(SMALL);
    command.addAll(options);
    command.addAll(List.of("-cp", System.getProperty("java.class.path"), Member.class.getName()));
    command.addAll(arguments);
    process = new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
    out = process.inputReader();
    start = out.readLine();
  }

  /** A member of a group; {@code -} stands for no ports, publish, identity. */
  static Cast member(Path socket, String group, String ports, String publish, String identity)
      throws IOException {
    return new Cast(
        List.of(), List.of(), List.of(socket.toString(), group, ports, publish, identity));
  }

  /** The same, with options of the JVM. */
  static Cast memberWith(List<String> options, Path socket, String group, String ports)
      throws IOException {
    return new Cast(List.of(), options, List.of(socket.toString(), group, ports, "-", "-"));
  }

  /** A process that no helper knows of. */
  static Cast plain() throws IOException {
    return new Cast(List.of(), List.of(), List.of());
  }

  /** Its answer. */
  String say(String line) throws IOException {
    Writer in = process.outputWriter();
    in.write(line + "\n");
    in.flush();
    return out.readLine();
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
