/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.samples.process;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.underpass.Version;
import io.underpass.testing.KernelTest;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.jar.Attributes;
import java.util.jar.JarFile;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * {@code make install} of this build into an empty folder, what runs from there, and {@code make
 * uninstall}.
 */
@Timeout(120)
class InstallTest {
  private static final String PREFIX = "/usr/local";
  private static final List<String> COMMANDS =
      List.of(
          "underpass",
          "underpass-doctor",
          "underpass-drain",
          "underpass-flows",
          "underpass-helper",
          "underpass-ports",
          "underpass-ports-resolve",
          "underpass-status");

  private Workspace workspace;
  private Path elsewhere;
  private Path destination;
  private Path prefix;

  private record Result(int exit, String out, String err) {}

  @BeforeEach
  void install() throws Exception {
    workspace = Workspace.create("install-test");
    elsewhere = Files.createDirectory(workspace.folder().resolve("elsewhere"));
    destination = Files.createDirectory(workspace.folder().resolve("destination"));
    prefix = destination.resolve(PREFIX.substring(1));
    make("install", "077");
  }

  @AfterEach
  void removeFolder() {
    workspace.close();
  }

  /** Runs make with this umask, which must make no difference, and returns what make prints. */
  private String make(String target, String umask) throws Exception {
    Result result =
        run(
            "sh",
            "-c",
            "umask " + umask + "; exec \"$@\"",
            "sh",
            "make",
            "--directory=" + Project.root(),
            target,
            "DESTDIR=" + destination,
            "PREFIX=" + PREFIX);
    assertEquals("", result.err());
    assertEquals(0, result.exit());
    return result.out();
  }

  private Result underpass(String... arguments) throws Exception {
    List<String> command = new ArrayList<>(List.of(prefix.resolve("bin/underpass").toString()));
    command.addAll(List.of(arguments));
    return run(command.toArray(String[]::new));
  }

  private Result run(String... command) throws Exception {
    Path out = workspace.folder().resolve("out");
    Path err = workspace.folder().resolve("err");
    ProcessBuilder builder = new ProcessBuilder(command).directory(elsewhere.toFile());
    // Nothing of a make that these tests run under is for this one.
    builder.environment().keySet().removeAll(List.of("MAKEFLAGS", "MFLAGS", "MAKELEVEL"));
    builder.environment().put("LC_ALL", "C.UTF-8");
    builder.environment().put("JAVA_HOME", System.getProperty("java.home"));
    Process process = builder.redirectOutput(out.toFile()).redirectError(err.toFile()).start();
    return new Result(process.waitFor(), text(out), text(err));
  }

  private static String text(Path file) throws IOException {
    return Files.readString(file, StandardCharsets.UTF_8);
  }

  /** The mode of each file and folder below {@link #destination}. */
  private Map<String, String> modes() throws IOException {
    Map<String, String> modes = new TreeMap<>();
    try (Stream<Path> paths = Files.walk(destination).skip(1)) {
      for (Path path : (Iterable<Path>) paths::iterator) {
        modes.put(
            destination.relativize(path) + (Files.isDirectory(path) ? "/" : ""),
            PosixFilePermissions.toString(Files.getPosixFilePermissions(path)));
      }
    }
    return modes;
  }

  @Test
  void allUsersCanReadWhatIsInstalledAndOnlyTheOwnerCanWriteIt() throws Exception {
    Map<String, String> modes = modes();
    modes.forEach(
        (path, mode) -> {
          boolean runs = path.endsWith("/") || path.endsWith("bin/underpass");
          assertEquals(runs ? "rwxr-xr-x" : "rw-r--r--", mode, path);
          assertTrue(path.equals("usr/") || path.startsWith("usr/local/"), path);
        });
    for (String file : List.of("underpass/underpass.jar", "doc/underpass/LICENSE")) {
      assertTrue(modes.containsKey("usr/local/share/" + file), modes::toString);
    }
    make("install", "000");
    assertEquals(modes, modes());
  }

  @Test
  void theUnitNamesTheCommandWhereItIs() throws Exception {
    String unit = text(prefix.resolve("lib/systemd/system/underpass.service"));
    assertTrue(unit.contains("\nExecStart=" + PREFIX + "/bin/underpass helper\n"), unit);
    assertFalse(unit.contains("@"), unit);
    assertTrue(text(prefix.resolve("lib/sysusers.d/underpass.conf")).contains("\ng underpass -\n"));
  }

  @Test
  void whatIsNotOfThisInstallationStays() throws Exception {
    Path list = prefix.resolve("lib/underpass/installed");
    Path older = Files.createFile(prefix.resolve("lib/underpass/older.jar"));
    Files.writeString(list, PREFIX + "/lib/underpass/older.jar\n", StandardOpenOption.APPEND);
    Path others = Files.createFile(prefix.resolve("bin/others"));
    make("install", "022");
    assertFalse(Files.exists(older), "a file of an earlier release is left");
    assertTrue(make("uninstall", "022").contains("removed Underpass from " + prefix));
    assertEquals(
        List.of("usr/", "usr/local/", "usr/local/bin/", "usr/local/bin/others"),
        List.copyOf(modes().keySet()));
    assertTrue(Files.exists(others));
    String again = make("uninstall", "022");
    assertTrue(again.contains("nothing is installed in " + prefix), again);
  }

  @Test
  void everyPartNamesTheVersionOfTheBuild() throws Exception {
    String version = System.getProperty("underpass.version");
    assertEquals(version, Version.VERSION);
    assertEquals(new Result(0, "underpass " + version + "\n", ""), underpass("--version"));
    for (String jar : List.of("share/underpass/underpass.jar", "lib/underpass/accel-core.jar")) {
      try (JarFile file = new JarFile(prefix.resolve(jar).toFile())) {
        Attributes main = file.getManifest().getMainAttributes();
        assertEquals(version, main.getValue(Attributes.Name.IMPLEMENTATION_VERSION), jar);
      }
    }
  }

  /** man(1) calls groff, which checks them. */
  @Test
  void theManPagesAreWellFormed() throws Exception {
    boolean there = Files.isExecutable(Path.of("/usr/bin/man"));
    assumeTrue(there || "true".equals(System.getenv("CI")), "needs man-db");
    Path folder = prefix.resolve("share/man/man1");
    try (Stream<Path> pages = Files.list(folder)) {
      assertEquals(
          COMMANDS,
          pages.map(page -> page.getFileName().toString().replace(".1", "")).sorted().toList());
    }
    for (String name : COMMANDS) {
      String page = folder.resolve(name + ".1").toString();
      Result result = run("man", "--warnings", "--pager=cat", "--local-file", page);
      assertEquals("", result.err(), name);
      assertEquals(0, result.exit(), name);
      assertTrue(result.out().contains(name + " - "), result.out());
      assertTrue(result.out().contains(Version.VERSION), result.out());
      assertTrue(result.out().contains("--version"), result.out());
    }
  }

  @Test
  void theShellCompletesCommandsAndTheirOptions() throws Exception {
    assertEquals(List.of("flows"), completed("underpass fl"));
    assertEquals(List.of("--pin-dir"), completed("underpass helper --pi"));
    assertEquals(List.of("resolve"), completed("underpass ports res"));
  }

  private List<String> completed(String line) throws Exception {
    Result result =
        run(
            "bash",
            "--norc",
            "--noprofile",
            "-c",
            """
            compopt() { :; } # bash has it only while a user types
            source "$1"
            [[ $(complete -p underpass) =~ -F\\ ([^ ]+) ]]
            COMP_LINE=$2 COMP_POINT=${#2}
            read -ra COMP_WORDS <<<"$2"
            COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
            ${BASH_REMATCH[1]}
            printf '%s\\n' "${COMPREPLY[@]}"
            """,
            "bash",
            prefix.resolve("share/bash-completion/completions/underpass").toString(),
            line);
    assertEquals("", result.err());
    return result.out().lines().map(String::strip).toList();
  }

  /** The helper still runs while its files are removed: uninstall stops nothing, and says so. */
  @Test
  @KernelTest
  void theHelperAndTheAgentRunFromThere() throws Exception {
    HelperProcess helper = HelperProcess.start(workspace, prefix.resolve("bin/underpass"));
    String[] where = {"--socket=" + helper.socket(), "--pin-dir=" + helper.pins()};
    Child server = workspace.start("server", server(helper.socket()));
    server.line(Child.PATIENCE); // The server prints its address when it is ready.
    Result status = underpass("status", where[0]);
    assertTrue(status.out().contains("helper " + Version.VERSION + "\n"), status.out());
    assertTrue(
        status.out().lines().anyMatch(row -> row.matches(" *\\d+ +" + server.pid() + " .*")),
        status.out());
    Result doctor = underpass("doctor", where[0], where[1]);
    assertTrue(doctor.out().contains("OK    helper: "), doctor.out());
    assertEquals(0, doctor.exit(), doctor.out());

    String said = make("uninstall", "022");
    assertTrue(
        said.contains("the helper " + helper.child().pid() + " was started from here"), said);
    assertTrue(said.contains("underpass drain"), said);
    assertEquals(Map.of(), modes());
    assertEquals(0, run(Project.command().toString(), "drain", where[0], where[1]).exit(), "drain");
    assertEquals(0, helper.child().await(Child.PATIENCE));
  }

  /** A program of the JDK, as an ordinary user, with the installed agent. */
  private List<String> server(Path socket) {
    List<String> command = new ArrayList<>(JvmCommand.of("", Object.class).asNobody().prefix());
    command.add(Path.of(System.getProperty("java.home"), "bin/java").toString());
    command.add(
        "-javaagent:" + prefix.resolve("share/underpass/underpass.jar") + "=socket=" + socket);
    command.addAll(List.of("-m", "jdk.httpserver", "-b", "127.0.0.1", "-p", "0", "-d", "/usr"));
    return command;
  }

  @Test
  @KernelTest
  void uninstallNamesPinsThatAreLeft() throws Exception {
    Path pins = Path.of("/sys/fs/bpf/underpass");
    boolean none = !Files.exists(pins);
    if (none) {
      Files.createDirectories(pins.resolve("left"));
    }
    try {
      String said = make("uninstall", "022");
      assertTrue(said.contains(pins + "; to remove it: " + Project.command() + " drain"), said);
    } finally {
      if (none) {
        Files.delete(pins.resolve("left"));
        Files.delete(pins);
      }
    }
    if (none) {
      make("install", "022");
      assertFalse(make("uninstall", "022").contains(pins.toString()));
    }
  }
}
