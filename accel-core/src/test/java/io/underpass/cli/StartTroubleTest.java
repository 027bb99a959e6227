/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.underpass.testing.KernelTest;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Whatever keeps the helper from starting is told in one line with its remedy, exit code 1. */
class StartTroubleTest {
  @TempDir private Path folder;

  @Test
  void libbpfIsAbsent() throws Exception {
    assertLine(
        new CommandLineProcess("-Dunderpass.libbpf=libno-such-bpf.so.1").run(helper()),
        "libbpf is not installed (libno-such-bpf.so.1 cannot be loaded); install it, e.g."
            + " apt-get install libbpf1");
  }

  @Test
  void theJvmWasStartedWithoutItsFlags() throws Exception {
    assertLine(
        CommandLineProcess.withoutFlags().run(helper()),
        "the JVM does not let the helper see who connects (sun.nio.ch is closed); start the JVM"
            + " with --add-opens=java.base/sun.nio.ch=ALL-UNNAMED");
  }

  @KernelTest
  @Test
  void thePrivilegeIsMissing() throws Exception {
    assertLine(
        CommandLineProcess.asNobody(folder).run(helper()),
        "the privilege is missing (CAP_DAC_READ_SEARCH, CAP_NET_ADMIN, CAP_PERFMON,"
            + " CAP_BPF); run it as root: sudo underpass helper");
  }

  @KernelTest
  @Test
  void noCgroupV2IsMounted() throws Exception {
    Path mounts =
        Files.writeString(
            folder.resolve("mountinfo"),
            "33 24 0:28 / /sys/fs/cgroup/cpu rw,relatime shared:9 - cgroup cgroup rw,cpu\n");
    assertLine(
        new CommandLineProcess("-Dunderpass.mountinfo=" + mounts).run(helper()),
        "no cgroup v2 hierarchy is mounted; mount one: mkdir -p /sys/fs/cgroup/unified &&"
            + " mount -t cgroup2 none /sys/fs/cgroup/unified");
  }

  @Test
  void thePolicyIsMalformed() throws Exception {
    Path policy = Files.writeString(folder.resolve("policy"), "allow uid 0\nallow everybody\n");
    assertLine(
        new CommandLineProcess().run(helper("--policy", policy)),
        "the policy is malformed at "
            + policy
            + ":2: \"allow everybody\" (a rule has three words); correct that line");
  }

  @Test
  void thePolicyIsMissing() throws Exception {
    Path policy = folder.resolve("none");
    assertLine(
        new CommandLineProcess().run(helper("--policy", policy)),
        "the policy file " + policy + " does not exist; make it, or leave --policy out");
  }

  @Test
  void theRulesAreMalformed() throws Exception {
    Path rules = Files.writeString(folder.resolve("rules"), "auto port 80\nfast port 5432\n");
    assertLine(
        new CommandLineProcess().run(helper("--rules", rules)),
        "the rules are malformed at "
            + rules
            + ":2: \"fast port 5432\" (a rule begins with plain, redirect or auto); correct that"
            + " line");
  }

  @Test
  void theRulesAreMissing() throws Exception {
    Path rules = folder.resolve("none");
    assertLine(
        new CommandLineProcess().run(helper("--rules", rules)),
        "the rules file " + rules + " does not exist; make it, or leave --rules out");
  }

  @KernelTest
  @Test
  void thePinFolderIsOnNoBpfFileSystem() throws Exception {
    Path full = Files.createDirectory(folder.resolve("full"));
    Files.createFile(full.resolve("file"));
    CommandLineProcess.Result result =
        new CommandLineProcess()
            .run("helper", "--socket", folder.resolve("s"), "--pin-dir", full.resolve("pins"));
    assertLine(
        result,
        "no bpf file system is mounted on "
            + full
            + ", which is no empty folder either; mount it: mount -t bpf bpf /sys/fs/bpf, and"
            + " choose a folder in it with --pin-dir");
  }

  @Test
  void anOptionIsUnknownOrHasNoValue() throws Exception {
    for (String option : new String[] {"--bogus", "--socket"}) {
      CommandLineProcess.Result result = new CommandLineProcess().run("helper", option);
      assertEquals(2, result.exit());
      assertEquals(1, result.err().lines().count(), result.err());
      assertTrue(result.err().startsWith("underpass: ") && result.err().contains(option));
    }
  }

  @Test
  void noHelperIsThereToAsk() throws Exception {
    for (String command : new String[] {"status", "flows"}) {
      CommandLineProcess.Result result =
          new CommandLineProcess().run(command, "--socket", folder.resolve("none"));
      assertEquals(1, result.exit());
      assertEquals(
          "underpass: no helper is there (No such file or directory); start it: underpass helper\n",
          result.err());
    }
  }

  private Object[] helper(Object... more) {
    Object[] all = new Object[5 + more.length];
    all[0] = "helper";
    all[1] = "--socket";
    all[2] = folder.resolve("s");
    all[3] = "--pin-dir";
    all[4] = "/sys/fs/bpf/underpass-trouble";
    System.arraycopy(more, 0, all, 5, more.length);
    return all;
  }

  private void assertLine(CommandLineProcess.Result result, String reasonAndRemedy) {
    assertEquals("underpass: cannot start: " + reasonAndRemedy + "\n", result.err());
    assertEquals("", result.out());
    assertEquals(1, result.exit());
    assertFalse(Files.exists(folder.resolve("s")));
    assertFalse(Files.exists(Path.of("/sys/fs/bpf/underpass-trouble")));
  }
}
