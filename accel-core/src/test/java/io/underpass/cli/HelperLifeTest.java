/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.underpass.protocol.HelperClient;
import io.underpass.protocol.HelperState;
import io.underpass.testing.KernelTest;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The helper as a process, from its first line to its end. */
@KernelTest
@Timeout(120)
class HelperLifeTest {
  private static final Path PINS = Path.of("/sys/fs/bpf/underpass-life");

  @TempDir private Path folder;
  private Process helper;

  @AfterEach
  void endHelper() throws Exception {
    if (helper != null && helper.isAlive()) {
      helper.destroy();
      helper.waitFor();
    }
  }

  @Test
  void sigtermEndsItInGoodOrder() throws Exception {
    start();
    assertTrue(Files.isDirectory(PINS));
    helper.destroy();
    assertEquals(0, helper.waitFor(), this::err);
    assertFalse(Files.exists(PINS), "pins are left");
    assertFalse(Files.exists(socket()), "the socket is left");
    assertEquals("", err());
  }

  @Test
  void aKilledOnesPlaceIsTakenByTheNext() throws Exception {
    start();
    helper.destroyForcibly().waitFor();
    assertTrue(Files.exists(socket()));
    assertTrue(Files.isDirectory(PINS), "pins outlive a kill");
    start();
    try (HelperClient client = HelperClient.connect(socket(), Duration.ofSeconds(10))) {
      assertEquals(HelperState.RUNNING, client.status().state());
    }
    helper.destroy();
    assertEquals(0, helper.waitFor(), this::err);
    assertFalse(Files.exists(PINS), "pins are left");
  }

  @Test
  void aSecondOneIsRefusedAndTheFirstGoesOn() throws Exception {
    start();
    CommandLineProcess.Result second =
        new CommandLineProcess()
            .run("helper", "--socket", folder.resolve("other"), "--pin-dir", PINS);
    assertEquals(
        "underpass: cannot start: a helper uses the pins in "
            + PINS
            + " already; use that one, or stop it, or choose another folder with --pin-dir\n",
        second.err());
    CommandLineProcess.Result third =
        new CommandLineProcess()
            .run("helper", "--socket", socket(), "--pin-dir", PINS.resolveSibling("underpass-2nd"));
    assertFalse(Files.exists(PINS.resolveSibling("underpass-2nd")));
    assertTrue(
        third.err().startsWith("underpass: cannot start: a helper serves " + socket()),
        third.err());
    CommandLineProcess.Result status = new CommandLineProcess().run("status", "--socket", socket());
    assertEquals(0, status.exit(), status.err());
    assertTrue(status.out().contains("state running\n"), status.out());
    CommandLineProcess.Result flows =
        new CommandLineProcess().run("flows", "--socket", socket(), "--limit", 5);
    assertEquals(0, flows.exit(), flows.err());
    assertTrue(flows.out().startsWith("pid  local"), flows.out());
  }

  @Test
  void atRestItUsesNoProcessor() throws Exception {
    start();
    Thread.sleep(1000); // what the start itself left to do
    long before = ticks();
    Thread.sleep(3000);
    // A loop that asks again and again would show; the JVM itself may take a tick now and then.
    long used = ticks() - before;
    assertTrue(used <= 3, () -> used + " ticks of 10 ms in 3 s");
  }

  private long ticks() throws IOException {
    String stat = Files.readString(Path.of("/proc/" + helper.pid() + "/stat"));
    String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ", -1);
    return Long.parseLong(fields[11]) + Long.parseLong(fields[12]);
  }

  private void start() throws IOException {
    helper =
        CommandLineProcess.asHelper()
            .start(folder.resolve("err"), "helper", "--socket", socket(), "--pin-dir", PINS);
    BufferedReader out = helper.inputReader(StandardCharsets.UTF_8);
    assertEquals("underpass: helper ready on " + socket(), out.readLine(), this::err);
  }

  private Path socket() {
    return folder.resolve("helper.sock");
  }

  private String err() {
    try {
      return Files.readString(folder.resolve("err"));
    } catch (IOException e) {
      return e.toString();
    }
  }
}
