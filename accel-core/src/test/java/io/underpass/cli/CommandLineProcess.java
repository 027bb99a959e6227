/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.cli;

import com.fasterxml.jackson.annotation.JsonFormat;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.underpass.protocol.Wire;
import io.underpass.testing.LeastPrivilege;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.StringJoiner;
import java.util.stream.Collectors;
import picocli.CommandLine;

/** Runs {@code underpass ...} as a process of its own. */
final class CommandLineProcess {
  /** What a process said and how it ended. */
  record Result(int exit, String out, String err) {}

  private static final List<String> FLAGS =
      List.of(
          "-XX:TieredStopAtLevel=1",
          "-XX:+UseSerialGC",
          "--enable-native-access=ALL-UNNAMED",
          "--add-opens=java.base/sun.nio.ch=ALL-UNNAMED");

  /** One class of each jar that the command line consists of. */
  private static final List<Class<?>> PARTS =
      List.of(
          Main.class,
          Wire.class,
          CommandLine.class,
          JsonMapper.class,
          JsonGenerator.class,
          JsonFormat.class);

  private final List<String> command = new ArrayList<>();

  CommandLineProcess(String... jvmFlags) {
    this(classPath(), FLAGS, jvmFlags);
  }

  private CommandLineProcess(String classPath, List<String> flags, String... jvmFlags) {
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(flags);
    command.addAll(List.of(jvmFlags));
    command.addAll(List.of("-cp", classPath, Main.class.getName()));
  }

  /** With none of the flags that bin/underpass gives. */
  static CommandLineProcess withoutFlags() {
    return new CommandLineProcess(classPath(), List.of("--enable-native-access=ALL-UNNAMED"));
  }

  /** With the privileges that bin/underpass leaves the helper, and no others. */
  static CommandLineProcess asHelper() throws IOException {
    CommandLineProcess process = new CommandLineProcess();
    String set = "-all,+" + String.join(",+", LeastPrivilege.capabilities());
    process.command.addAll(
        0, List.of("setpriv", "--no-new-privs", "--inh-caps=-all", "--bounding-set=" + set));
    return process;
  }

  /** As the user nobody, who has no privilege and may not read where the build is. */
  static CommandLineProcess asNobody(Path folder) throws IOException {
    Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwxr-xr-x"));
    Path readable = Files.createDirectory(folder.resolve("class-path"));
    StringJoiner classPath = new StringJoiner(":");
    for (Class<?> part : PARTS) {
      classPath.add(copy(codeOf(part), readable.resolve(part.getSimpleName() + ".jar")).toString());
    }
    CommandLineProcess process = new CommandLineProcess(classPath.toString(), FLAGS);
    process.command.addAll(
        0, List.of("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"));
    return process;
  }

  /** A jar or a folder of classes, for everybody to read. */
  private static Path copy(Path from, Path to) throws IOException {
    Files.walkFileTree(
        from,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
              throws IOException {
            Path copy = to.resolve(from.relativize(file).toString());
            Files.createDirectories(copy.getParent());
            Files.copy(file, copy);
            Files.setPosixFilePermissions(copy, PosixFilePermissions.fromString("rw-r--r--"));
            return FileVisitResult.CONTINUE;
          }
        });
    return to;
  }

  /** Runs it to its end. */
  Result run(Object... arguments) throws Exception {
    Path err = Files.createTempFile("underpass", "err");
    try {
      Process process = start(err, arguments);
      String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      return new Result(process.waitFor(), out, Files.readString(err));
    } finally {
      Files.delete(err);
    }
  }

  /** Starts it, with stderr into a file. */
  Process start(Path err, Object... arguments) throws IOException {
    List<String> whole = new ArrayList<>(command);
    for (Object argument : arguments) {
      whole.add(argument.toString());
    }
    return new ProcessBuilder(whole).redirectError(err.toFile()).start();
  }

  private static String classPath() {
    return PARTS.stream()
        .map(CommandLineProcess::codeOf)
        .map(Path::toString)
        .collect(Collectors.joining(":"));
  }

  private static Path codeOf(Class<?> type) {
    return Path.of(type.getProtectionDomain().getCodeSource().getLocation().getPath());
  }
}
