/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.samples.process;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * {@code make setup} on a machine that lacks clang: the real Makefile and the real apt-get, with a
 * PATH in which everything is but clang, and an apt-get that has folders of its own and no network.
 */
class SetupTest {
  /** What the recipe calls up to its end where something is missing; clang is not among them. */
  private static final List<String> PROGRAMS =
      List.of(
          "make",
          "bash",
          "llvm-strip",
          "gcc",
          "mvn",
          "asciidoctor",
          "ip",
          "setpriv",
          "taskset",
          "ldconfig",
          "apt-get",
          "id",
          "mktemp",
          "grep",
          "tail",
          "rm");

  private Workspace workspace;
  private Path folder;
  private Path tree;
  private Path path;

  /** How {@code make setup} ended. */
  private record Result(int exit, List<String> out, List<String> err) {}

  @BeforeEach
  void hideClang() throws IOException {
    workspace = Workspace.create("setup-test");
    folder = workspace.folder();
    // Copies, since another user may not enter the folder of the tree.
    tree = Files.createDirectories(folder.resolve("tree/bin")).getParent();
    Files.copy(Project.root().resolve("Makefile"), tree.resolve("Makefile"));
    Files.copy(Project.command(), tree.resolve("bin/underpass"));
    path = Files.createDirectory(folder.resolve("path"));
    for (String program : PROGRAMS) {
      for (String from : System.getenv("PATH").split(":", -1)) {
        Path found = Path.of(from, program);
        if (Files.isExecutable(found)) {
          Files.createSymbolicLink(path.resolve(program), found);
          break;
        }
      }
    }
  }

  @AfterEach
  void removeFolder() {
    workspace.close();
  }

  @Test
  void whereThereIsNoAptThePackagesAreNamed() throws Exception {
    Files.deleteIfExists(path.resolve("apt-get"));
    assertFails(
        "setup: missing: clang (Debian's package names), and there is no apt-get here: install"
            + " them by hand",
        setup(List.of()));
  }

  @Test
  void whoIsNotRootIsToldTheCommand() throws Exception {
    need(Files.exists(path.resolve("apt-get")), "Debian's apt-get");
    assertFails(
        "setup: missing: clang: run as root: apt-get install --yes clang",
        setup(
            User.isRoot()
                ? List.of("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
                : List.of()));
  }

  @Test
  void anAptThatFailsIsQuotedInOneLine() throws Exception {
    need(User.isRoot(), "root: setup calls apt-get only as root");
    need(Files.exists(path.resolve("apt-get")), "Debian's apt-get");
    Result result = setup(List.of());
    assertEquals(List.of("setup: installing clang"), result.out());
    String line = result.err().getFirst();
    assertTrue(line.startsWith("setup: could not install clang: E: "), line);
    assertFails(line, result);
  }

  /** Where clang is in its place, the same call says nothing and does nothing. */
  @Test
  void whereAllIsThereItIsSilent() throws Exception {
    Result result = run(List.of(), System.getenv("PATH"));
    assertEquals(List.of(), result.err());
    assertEquals(List.of(), result.out());
    assertEquals(0, result.exit());
  }

  /** A skip in CI is a failure. */
  private static void need(boolean there, String what) {
    assumeTrue(there || "true".equals(System.getenv("CI")), "needs " + what);
    assertTrue(there, "needs " + what);
  }

  /** One line of its own; make adds that the target has failed. */
  private static void assertFails(String line, Result result) {
    assertEquals(line, result.err().getFirst());
    assertTrue(result.err().get(1).startsWith("make: ***"), () -> result.err().toString());
    assertEquals(2, result.err().size(), () -> result.err().toString());
    assertEquals(2, result.exit());
  }

  private Result setup(List<String> as) throws Exception {
    return run(as, path.toString());
  }

  private Result run(List<String> as, String where) throws Exception {
    List<String> command = new ArrayList<>(as);
    command.addAll(List.of("make", "setup"));
    ProcessBuilder builder = new ProcessBuilder(command).directory(tree.toFile());
    // Nothing of a make that these tests run under is for this one.
    builder.environment().keySet().removeAll(List.of("MAKEFLAGS", "MFLAGS", "MAKELEVEL"));
    builder.environment().put("PATH", where);
    builder.environment().put("LC_ALL", "C");
    builder.environment().put("APT_CONFIG", aptOfItsOwn().toString());
    Path out = folder.resolve("out");
    Path err = folder.resolve("err");
    Process process = builder.redirectOutput(out.toFile()).redirectError(err.toFile()).start();
    int exit = process.waitFor();
    return new Result(exit, lines(out), lines(err));
  }

  private static List<String> lines(Path file) throws IOException {
    return Files.readString(file, StandardCharsets.UTF_8).lines().toList();
  }

  /** It knows no packages, asks nobody, and takes no lock of the machine's. */
  private Path aptOfItsOwn() throws IOException {
    Path state = folder.resolve("apt");
    Files.createDirectories(state.resolve("lists/partial"));
    Files.createDirectories(state.resolve("cache/archives/partial"));
    Files.createDirectories(state.resolve("etc"));
    Files.writeString(state.resolve("status"), "");
    return Files.writeString(
        folder.resolve("apt.conf"),
        """
        Dir::State "%1$s";
        Dir::State::status "%1$s/status";
        Dir::Cache "%1$s/cache";
        Dir::Etc "%1$s/etc";
        Dir::Log "%1$s";
        """
            .formatted(state));
  }
}
