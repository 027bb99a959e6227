/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.bpf;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.underpass.protocol.ErrorCode;
import io.underpass.protocol.FlowView;
import io.underpass.protocol.GroupWish;
import io.underpass.protocol.HelperClient;
import io.underpass.protocol.PortRanges;
import io.underpass.protocol.WireException;
import io.underpass.service.HelperConfig;
import io.underpass.testing.HelperProcess;
import io.underpass.testing.KernelTest;
import io.underpass.testing.LeastPrivilege;
import io.underpass.testing.Pinning;
import java.io.IOException;
import java.net.InetAddress;
import java.net.NetworkInterface;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The helper as an ordinary user with the capabilities that it needs, and with each taken away. */
@KernelTest
@Timeout(120)
class UnprivilegedHelperTest {
  private static final int USER = 2010;
  private static final String IDENTITY = "10.214.7.5";
  private static final String POLICY =
      "allow uid 0\nallow uid 2011\ngroup blue uid 0 identity 10.214.7.0/24\n";

  /** Where this user may read it, whatever he lacks. */
  private static Path installed;

  private Path folder;
  private Path pins;

  @BeforeAll
  static void install() throws IOException, InterruptedException {
    installed = Files.createTempDirectory("underpass-test");
    Files.setPosixFilePermissions(installed, PosixFilePermissions.fromString("rwxr-xr-x"));
    Path target = Files.createDirectories(installed.resolve("accel-core/target"));
    Path from = Path.of(System.getProperty("underpass.root", "."));
    Namespace.run("cp", "-r", from.resolve("bin").toString(), installed.toString());
    for (String part : List.of("accel-core.jar", "lib")) {
      Path built = from.resolve("accel-core/target").resolve(part);
      Namespace.run("cp", "-r", built.toString(), target.toString());
    }
  }

  @AfterAll
  static void uninstall() throws IOException, InterruptedException {
    Namespace.run("rm", "-r", installed.toString());
  }

  /** What an administrator prepares for such a user. */
  @BeforeEach
  void giveTheUserHisFolders() throws IOException {
    folder = Files.createTempDirectory("underpass-test");
    pins = Files.createDirectory(Pinning.newFolder());
    Files.writeString(folder.resolve("policy"), POLICY);
    for (Path his : List.of(folder, pins)) {
      Files.setPosixFilePermissions(his, PosixFilePermissions.fromString("rwx------"));
      Files.setAttribute(his, "unix:uid", USER);
    }
  }

  @AfterEach
  void removeThem() throws IOException, InterruptedException {
    Files.deleteIfExists(folder.resolve("policy"));
    Files.deleteIfExists(folder);
    Files.deleteIfExists(pins); // the user cannot where the bpf file system is root's
    HelperProcess.assertNothingLeft(pins);
  }

  private Process start(List<String> capabilities) throws IOException {
    List<String> command = new ArrayList<>(LeastPrivilege.user(USER, capabilities));
    command.addAll(List.of(installed.resolve("bin/underpass").toString(), "helper"));
    command.addAll(List.of("--socket", socket().toString(), "--pin-dir", pins.toString()));
    command.addAll(List.of("--policy", folder.resolve("policy").toString()));
    return new ProcessBuilder(command).redirectErrorStream(true).start();
  }

  private Path socket() {
    return folder.resolve("helper.sock");
  }

  @Test
  void itAcceleratesAlsoInOtherNamespacesAndHasNothingElse() throws Exception {
    List<String> capabilities = LeastPrivilege.capabilities();
    try (HelperProcess helper = new HelperProcess(start(capabilities), pins);
        Namespace elsewhere = new Namespace();
        HelperClient client = HelperClient.connect(socket(), Testbed.PATIENCE)) {
      client.register("on").orThrow();
      assertPrivileges(client.status().pid(), capabilities);
      try (Testbed.Pair here = Testbed.Pair.open("127.0.0.1");
          Testbed.Pair there = NamespaceTest.openIn(elsewhere)) {
        client.claim();
        accelerates(client, here);
        accelerates(client, there);
      }
      assertEquals("", client.status().reason());
      helper.stop();
    }
    assertFalse(Files.exists(socket()));
  }

  /** An address other than of 127.0.0.0/8 is added to the host's, and taken back. */
  @Test
  void itGivesJvmsAddresses() throws Exception {
    InetAddress address = InetAddress.ofLiteral(IDENTITY);
    try (HelperProcess helper = new HelperProcess(start(LeastPrivilege.capabilities()), pins)) {
      try (HelperClient client = HelperClient.connect(socket(), Testbed.PATIENCE)) {
        GroupWish wish = new GroupWish("blue", PortRanges.NONE, PortRanges.NONE, IDENTITY);
        assertEquals(IDENTITY, client.register("on", wish).orThrow().fields().get("identity"));
        assertNotNull(NetworkInterface.getByInetAddress(address));
      }
      long end = System.nanoTime() + Testbed.PATIENCE.toNanos();
      while (NetworkInterface.getByInetAddress(address) != null) {
        assertTrue(System.nanoTime() < end, "the address stays");
        Thread.sleep(50);
      }
      helper.stop();
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"dac_read_search", "net_admin", "perfmon", "bpf"})
  void withoutOneThatAllNeedsItSaysSoAndDoesNotStart(String capability) throws Exception {
    Process helper = start(without(capability));
    List<String> said = helper.inputReader().lines().toList();
    assertEquals(1, helper.waitFor());
    assertEquals(
        List.of(
            "underpass: cannot start: the privilege is missing (CAP_"
                + capability.toUpperCase(Locale.ROOT)
                + "); run it as root: sudo underpass helper"),
        said);
  }

  /** This JVM is root's, and so another user's than the helper. */
  @ParameterizedTest
  @ValueSource(strings = {"sys_ptrace", "sys_admin", "sys_ptrace sys_admin"})
  void withoutOneThatSomeNeedItSaysWhatIsOffAndAcceleratesTheRest(String missing) throws Exception {
    Process process = start(without(missing.split(" ", -1)));
    for (String capability : missing.split(" ", -1)) {
      String line = process.inputReader().readLine();
      String name = "CAP_" + capability.toUpperCase(Locale.ROOT);
      assertTrue(line.startsWith("underpass: without " + name + ": "), line);
    }
    try (HelperProcess helper = new HelperProcess(process, pins)) {
      try (Namespace elsewhere = new Namespace();
          HelperClient client = HelperClient.connect(socket(), Testbed.PATIENCE)) {
        client.register("on").orThrow();
        acceleratesHereAlone(client, elsewhere, missing.contains("sys_ptrace"));
      }
      GroupWish wish = new GroupWish("blue", PortRanges.NONE, PortRanges.NONE, "");
      try (HelperClient client = HelperClient.connect(socket(), Testbed.PATIENCE)) {
        if (missing.contains("sys_ptrace")) {
          WireException e =
              assertThrows(WireException.class, () -> client.register("on", wish).orThrow());
          assertEquals(ErrorCode.UNAVAILABLE, e.code());
          assertTrue(e.getMessage().contains("has no CAP_SYS_PTRACE"), e::getMessage);
        } else {
          client.register("on", wish).orThrow();
        }
      }
      helper.stop();
    }
  }

  private void acceleratesHereAlone(HelperClient client, Namespace elsewhere, boolean isBlind)
      throws Exception {
    try (Testbed.Pair here = Testbed.Pair.open("127.0.0.1");
        Testbed.Pair there = NamespaceTest.openIn(elsewhere)) {
      client.claim();
      there.join();
      EnrolmentTest.exchange(there, 50);
      accelerates(client, here);
      EnrolmentTest.exchange(there, 50);
      // What others lack is for administration alone.
      assertEquals("", client.status().reason());
      try (HelperClient admin =
          HelperClient.connect(HelperConfig.adminSocketOf(socket()), Testbed.PATIENCE)) {
        if (isBlind) {
          // It cannot see which user namespace a caller's capabilities are of.
          WireException e = assertThrows(WireException.class, admin::status);
          assertEquals(ErrorCode.DENIED, e.code());
        } else {
          String reason = admin.status().reason();
          assertTrue(reason.startsWith("network namespaces that cannot be entered"), reason);
        }
      }
    }
  }

  private static void accelerates(HelperClient client, Testbed.Pair pair) throws Exception {
    pair.join();
    EnrolmentTest.exchange(pair, 50);
    Testbed.await(client, pair.client(), FlowView::accelerated);
    Testbed.await(client, pair.server(), FlowView::accelerated);
    EnrolmentTest.exchange(pair, 50);
  }

  private static List<String> without(String... capabilities) throws IOException {
    List<String> left = new ArrayList<>(LeastPrivilege.capabilities());
    left.removeAll(List.of(capabilities));
    return left;
  }

  /** Each thread of the helper has these capabilities, no other, and no way to one. */
  private static void assertPrivileges(long pid, List<String> capabilities) throws Exception {
    List<String> command = new ArrayList<>(LeastPrivilege.user(USER, capabilities));
    command.addAll(List.of("cat", "/proc/self/status"));
    Map<String, String> wanted = fields(Namespace.run(command.toArray(String[]::new)).stream());
    assertEquals("1", wanted.get("NoNewPrivs"));
    try (Stream<Path> threads = Files.list(Path.of("/proc/" + pid + "/task"))) {
      for (Path thread : threads.toList()) {
        if (Files.exists(thread)) {
          assertEquals(wanted, fields(Files.readAllLines(thread.resolve("status")).stream()));
        }
      }
    }
  }

  private static Map<String, String> fields(Stream<String> status) {
    return status
        .filter(line -> line.matches("(Uid|Gid|Groups|Cap...|NoNewPrivs):.*"))
        .map(line -> line.split(":\\s*", 2))
        .collect(Collectors.toMap(f -> f[0], f -> f[1].strip(), (a, b) -> a, TreeMap::new));
  }
}
