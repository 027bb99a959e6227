/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.agent;

import static org.junit.jupiter.api.Assertions.assertTrue;

import io.underpass.agent.child.Hello;
import io.underpass.testing.LeastPrivilege;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** A JVM that a test runs: the agent's jar as it was built, a program, and what came of it. */
final class Child implements AutoCloseable {
  /** Readable by every user, unlike the tree that it was built in. */
  static final Path FOLDER = readableFolder();

  static final Path JAR = FOLDER.resolve("underpass.jar");

  private final Process process;
  private final BufferedReader out;
  private final Path err;

  private Child(Process process, Path err) {
    this.process = process;
    this.out = process.inputReader();
    this.err = err;
  }

  /** What a finished JVM left behind. */
  record Result(int code, List<String> out, List<String> err) {
    /** The lines that the program printed of the beans, without their prefix. */
    List<String> jmx() {
      return out.stream().filter(l -> l.startsWith("jmx ")).map(l -> l.substring(4)).toList();
    }

    /** All other lines. */
    List<String> lines() {
      return out.stream().filter(l -> !l.startsWith("jmx ")).toList();
    }
  }

  /** The flag, with the options. */
  static String agent(String options) {
    return "-javaagent:" + JAR + (options.isEmpty() ? "" : "=" + options);
  }

  /** Options that lead to the socket. */
  static String socket(Path socket) {
    return "socket=" + socket;
  }

  /** Runs a JVM with these arguments to its end. */
  static Result run(String... arguments) throws Exception {
    return run(List.of(), arguments);
  }

  /** Likewise, as an ordinary user. */
  static Result runUnprivileged(String... arguments) throws Exception {
    return runAs(65534, arguments);
  }

  /** Likewise, as that user, without any privilege. */
  static Result runAs(int uid, String... arguments) throws Exception {
    return run(LeastPrivilege.stranger(uid), arguments);
  }

  /**
   * Likewise, as in a container that somebody without privilege has made: its user namespace has
   * that user alone, to whom root is as foreign as all others, and the folder is mounted where
   * helpers listen.
   */
  static Result runInContainer(int uid, Path folder, String... arguments) throws Exception {
    String mounts =
        "mount -t tmpfs -o mode=755 none /run && mkdir /run/underpass"
            + " && mount --bind \"$1\" /run/underpass && shift && exec \"$@\"";
    List<String> prefix =
        new ArrayList<>(
            List.of("unshare", "--mount", "sh", "-c", mounts, "container", folder.toString()));
    prefix.addAll(LeastPrivilege.stranger(uid));
    prefix.addAll(List.of("unshare", "--user", "--map-current-user"));
    return run(prefix, arguments);
  }

  /** Starts a JVM as that user, without any privilege. */
  static Child startAs(int uid, String... arguments) throws IOException {
    return start(LeastPrivilege.stranger(uid), arguments);
  }

  /** Runs a JVM of that JDK to its end. */
  static Result run(Jdk jdk, String... arguments) throws Exception {
    return run(List.of(), jdk, arguments);
  }

  private static Result run(List<String> prefix, String... arguments) throws Exception {
    return run(prefix, Jdk.current(), arguments);
  }

  private static Result run(List<String> prefix, Jdk jdk, String... arguments) throws Exception {
    try (Child child = start(prefix, jdk, arguments)) {
      child.process.outputWriter().close();
      List<String> lines = child.out.lines().toList();
      assertTrue(child.process.waitFor(60, TimeUnit.SECONDS), "the program does not end");
      return new Result(child.process.exitValue(), lines, Files.readAllLines(child.err));
    }
  }

  /** Starts a JVM with these arguments. */
  static Child start(String... arguments) throws IOException {
    return start(List.of(), arguments);
  }

  /** Starts a JVM of that JDK. */
  static Child start(Jdk jdk, String... arguments) throws IOException {
    return start(List.of(), jdk, arguments);
  }

  private static Child start(List<String> prefix, String... arguments) throws IOException {
    return start(prefix, Jdk.current(), arguments);
  }

  private static Child start(List<String> prefix, Jdk jdk, String... arguments) throws IOException {
    List<String> command = new ArrayList<>(prefix);
    command.addAll(List.of(jdk.java(), "-cp", FOLDER.resolve("classes").toString()));
    command.addAll(List.of(arguments));
    Path err = Files.createTempFile("child", ".err");
    ProcessBuilder builder = new ProcessBuilder(command).redirectError(err.toFile());
    builder.environment().keySet().removeIf(name -> name.startsWith("UNDERPASS_"));
    builder.environment().keySet().removeAll(List.of("JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS"));
    return new Child(builder.start(), err);
  }

  /** Sends a line to the program's standard input. */
  void send(String line) throws IOException {
    Writer in = process.outputWriter();
    in.write(line + "\n");
    in.flush();
  }

  /** The program's next line. */
  String line() throws IOException {
    return out.readLine();
  }

  /** Sends a line, and collects what comes up to the line {@code end}. */
  List<String> ask(String line) throws IOException {
    send(line);
    List<String> lines = new ArrayList<>();
    for (String next = line(); next != null && !next.equals("end"); next = line()) {
      lines.add(next.startsWith("jmx ") ? next.substring(4) : next);
    }
    return lines;
  }

  /** What it has written to standard error so far. */
  List<String> errors() throws IOException {
    return Files.readAllLines(err);
  }

  /** Kills it, and returns when it has gone. */
  void end() throws InterruptedException {
    process.destroyForcibly().waitFor();
  }

  String pid() {
    return Long.toString(process.pid());
  }

  @Override
  public void close() throws IOException {
    process.destroyForcibly();
    Files.deleteIfExists(err);
  }

  private static Path readableFolder() {
    try {
      Path folder =
          Files.createTempDirectory(
              "underpass-agent",
              PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwxr-xr-x")));
      Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwxr-xr-x"));
      Path jar = Path.of(System.getProperty("underpass.agent.jar", "target/underpass.jar"));
      Files.copy(jar, folder.resolve("underpass.jar"));
      Path classes =
          Path.of(Hello.class.getProtectionDomain().getCodeSource().getLocation().getPath());
      String programs = Hello.class.getPackageName().replace('.', '/');
      Path to = Files.createDirectories(folder.resolve("classes").resolve(programs));
      try (Stream<Path> files = Files.list(classes.resolve(programs))) {
        for (Path file : files.toList()) {
          Files.copy(file, to.resolve(file.getFileName()));
        }
      }
      Runtime.getRuntime().addShutdownHook(new Thread(() -> delete(folder)));
      return folder;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void delete(Path folder) {
    try (Stream<Path> files = Files.walk(folder)) {
      for (Path file : files.sorted(java.util.Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    } catch (IOException e) {
      // A leftover in the folder for temporary files.
    }
  }
}
