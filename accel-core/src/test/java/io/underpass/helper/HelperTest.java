/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.helper;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.underpass.datapath.KernelSource;
import io.underpass.ffm.BpfObject;
import io.underpass.host.HelperException;
import io.underpass.protocol.HelperClient;
import io.underpass.service.HelperConfig;
import io.underpass.testing.KernelTest;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The helper embedded in this JVM. */
@KernelTest
class HelperTest {
  private static final Path PINS = Path.of("/sys/fs/bpf/underpass-helper-test");

  @TempDir private Path folder;

  @Test
  void itServesUntilItIsClosedAndLeavesNothing() throws Exception {
    HelperConfig config = config();
    Helper helper = Helper.start(config, new KernelSource());
    try (HelperClient client = HelperClient.connect(config.socket(), Duration.ofSeconds(10))) {
      long id = client.register("auto").number("id");
      assertEquals(
          List.of((int) id), helper.status().registered().stream().map(r -> r.id()).toList());
      helper.sweep();
      assertEquals(client.flows(10).size(), helper.flows(10).size());
      assertEquals(PINS.toString(), client.status().bpffs());
      helper.close();
      client.awaitEnd();
    } finally {
      helper.close(); // a second time does nothing
    }
    assertNothingLeft();
  }

  @Test
  void whatTheKernelRefusesIsToldAndNothingIsLeft() {
    List<String> log = new ArrayList<>();
    HelperException e =
        assertThrows(
            HelperException.class,
            () ->
                Helper.start(
                    config(),
                    (config, cgroup, _) -> {
                      BpfObject.open(new byte[] {0}, "broken").close();
                      return new MemoryDatapath(1, 0);
                    },
                    new Audit(log::add)));
    assertTrue(
        e.reason().startsWith("kernel " + System.getProperty("os.version") + " refuses bpf_object"),
        e.reason());
    assertEquals(1, e.getMessage().lines().count());
    assertNothingLeft();
  }

  @Test
  void aSocketPathThatCannotBeIsToldAndNothingIsLeft() {
    Path tooLong = folder.resolve("x".repeat(200));
    HelperException e =
        assertThrows(
            HelperException.class,
            () -> Helper.start(config().withSocket(tooLong), new KernelSource()).close());
    assertTrue(e.reason().startsWith("cannot listen on " + tooLong), e.reason());
    assertNothingLeft();
  }

  @Test
  void theSocketIsAsOpenAsThePolicyNeeds() throws Exception {
    Path policy = Files.writeString(folder.resolve("policy"), "allow uid 0\nallow uid 65534\n");
    HelperConfig config = config().withPolicyFile(policy);
    try (Helper helper =
        Helper.start(config, (_, _, _) -> new MemoryDatapath(1, 0), new Audit(_ -> {}))) {
      assertEquals(
          "rw-rw-rw-",
          PosixFilePermissions.toString(Files.getPosixFilePermissions(helper.socket())));
    }
  }

  private HelperConfig config() {
    return HelperConfig.defaults().withSocket(folder.resolve("helper.sock")).withBpffs(PINS);
  }

  private void assertNothingLeft() {
    assertFalse(Files.exists(PINS), "the pins' folder is left");
    assertFalse(Files.exists(folder.resolve("helper.sock")), "the socket is left");
  }
}
