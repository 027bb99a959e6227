/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.underpass.testing.KernelTest;
import io.underpass.testing.LeastPrivilege;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * {@code bin/underpass} before it starts a JVM, and what it starts it with: of an installation
 * whose jar holds nothing, so that the JVM ends at once.
 */
@KernelTest
class LauncherTest {
  private static final Path COMMAND =
      Path.of(System.getProperty("underpass.root", "."), "bin/underpass");

  /** What a JVM says that has come so far. */
  private static final String STARTED = "io.underpass.cli.Main";

  @TempDir private Path folder;
  private Path target;

  private record Result(int exit, String out) {}

  @BeforeEach
  void install() throws IOException {
    Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwxr-xr-x"));
    Path bin = Files.createDirectory(folder.resolve("bin"));
    Files.copy(COMMAND, bin.resolve("underpass"));
    Files.setPosixFilePermissions(
        bin.resolve("underpass"), PosixFilePermissions.fromString("rwxr-xr-x"));
    target = Files.createDirectories(folder.resolve("accel-core/target/lib")).getParent();
    Files.createFile(target.resolve("accel-core.jar"));
    Files.createFile(target.resolve("lib/other.jar"));
  }

  private Result run(Map<String, String> environment, List<String> through, String... arguments)
      throws IOException, InterruptedException {
    ProcessBuilder builder = new ProcessBuilder(new ArrayList<>(through)).redirectErrorStream(true);
    builder.command().add(folder.resolve("bin/underpass").toString());
    builder.command().addAll(List.of(arguments));
    builder.environment().put("JAVA_HOME", System.getProperty("java.home"));
    builder.environment().putAll(environment);
    Process process = builder.start();
    String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    return new Result(process.waitFor(), out);
  }

  private Result runAsRoot(String... arguments) throws IOException, InterruptedException {
    return run(Map.of(), List.of("env"), arguments);
  }

  @Test
  void whatOnlyRootCanWriteIsRunWithoutAWord() throws Exception {
    Result helper = runAsRoot("helper");
    assertTrue(helper.out().contains(STARTED), helper.out());
    assertFalse(helper.out().contains("underpass: "), helper.out());
  }

  @Test
  void whatEverybodyCanWriteIsNotRunByRoot() throws Exception {
    for (Path each : List.of(target, target.resolve("lib"), target.resolve("lib/other.jar"))) {
      var before = Files.getPosixFilePermissions(each);
      Files.setPosixFilePermissions(each, PosixFilePermissions.fromString("rwxrwxrwx"));
      for (String command : List.of("helper", "status")) {
        Result result = runAsRoot(command);
        assertEquals(1, result.exit());
        assertTrue(
            result.out().startsWith("underpass: all users can write " + each + ", "), result.out());
        assertFalse(result.out().contains(STARTED), result.out());
      }
      Files.setPosixFilePermissions(each, before);
    }
  }

  @Test
  void whatAnotherUserCanWriteIsNamedAsTheHelperStarts() throws Exception {
    Path jar = target.resolve("accel-core.jar");
    Files.setAttribute(jar, "unix:uid", 2006);
    Result helper = runAsRoot("helper");
    assertTrue(
        helper
            .out()
            .startsWith(
                "underpass: some users can write "
                    + jar
                    + " (it belongs to the user 2006), and could have root run what they like"
                    + " (1 such files and folders)"),
        helper.out());
    assertTrue(helper.out().contains(STARTED), helper.out());
    assertFalse(runAsRoot("status").out().contains("underpass: "));
    Result his = run(Map.of(), LeastPrivilege.user(2006), "helper");
    assertFalse(his.out().contains("underpass: "), "he can change what is his: " + his.out());
    Files.setAttribute(jar, "unix:uid", 0);
    Files.setPosixFilePermissions(jar, PosixFilePermissions.fromString("rw-rw-r--"));
    Result group = runAsRoot("helper");
    assertTrue(group.out().startsWith("underpass: some users can write " + jar), group.out());
  }

  /** They would reach a JVM that runs as root. */
  @Test
  void optionsForEveryJvmOfTheHostAreNotForThisOne() throws Exception {
    for (String name : List.of("JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "_JAVA_OPTIONS")) {
      Result result = run(Map.of(name, "-XX:+NoSuchFlag"), List.of("env"), "helper");
      assertTrue(result.out().contains(STARTED), result.out());
      assertFalse(result.out().contains("NoSuchFlag"), result.out());
    }
  }
}
