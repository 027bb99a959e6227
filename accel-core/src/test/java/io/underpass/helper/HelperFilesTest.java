/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.helper;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.underpass.datapath.KernelSource;
import io.underpass.host.HelperException;
import io.underpass.host.TrustedPathTest;
import io.underpass.policy.Rules;
import io.underpass.service.HelperConfig;
import io.underpass.testing.KernelTest;
import io.underpass.testing.Pinning;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A user without privilege who comes before the helper's first start, or beside it. */
@KernelTest
@Timeout(60)
class HelperFilesTest {
  private static final int STRANGER = TrustedPathTest.STRANGER;

  @TempDir private Path folder;
  private Path pins;

  @BeforeEach
  void letAllIn() throws IOException {
    Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwxr-xr-x"));
    pins = Pinning.newFolder();
  }

  @AfterEach
  void removePins() throws IOException {
    if (Files.exists(pins, LinkOption.NOFOLLOW_LINKS)) {
      Pinning.remove(pins);
    }
  }

  /** By himself where the bpf file system lets him; where it does not, root gives it to him. */
  private void strangerHas(String make) throws Exception {
    if (!TrustedPathTest.asStranger("sh", "-c", make)) {
      for (String command :
          new String[] {make, "chown -h " + STRANGER + ":" + STRANGER + " " + pins}) {
        assertEquals(0, new ProcessBuilder("sh", "-c", command).inheritIO().start().waitFor());
      }
    }
  }

  @Test
  void aPinFolderThatAnotherUserMadeIsRefused() throws Exception {
    strangerHas("mkdir -m 700 " + pins + " && mkdir -m 700 " + pins + "/v4");
    assertRefused(config(), "--pin-dir " + pins + " is not safe: " + pins + " belongs to the user");
    HelperException e =
        assertThrows(
            HelperException.class,
            () -> Helper.drainLeft(config(), new KernelSource(), Duration.ofSeconds(1)));
    assertTrue(e.reason().contains("belongs to the user " + STRANGER), e.reason());
    assertEquals(
        STRANGER, (int) Files.getAttribute(pins, "unix:uid"), "it is looked at, and left alone");
  }

  @Test
  void aLinkInThePlaceOfThePinFolderIsRefusedAndItsTargetKeepsItsMode() throws Exception {
    Path target = Files.createDirectory(folder.resolve("target"));
    Files.setPosixFilePermissions(target, PosixFilePermissions.fromString("rwxr-xr-x"));
    strangerHas("ln -s " + target + " " + pins);
    assertRefused(config(), "--pin-dir " + pins + " is not safe: " + pins + " is a symbolic link");
    assertEquals("rwxr-xr-x", PosixFilePermissions.toString(Files.getPosixFilePermissions(target)));
  }

  @Test
  void aSocketInAFolderOfAnotherUserIsRefused() throws Exception {
    Path his = Files.createDirectory(folder.resolve("his"));
    Files.setAttribute(his, "unix:uid", STRANGER);
    assertRefused(
        config().withSocket(his.resolve("helper.sock")),
        "--socket " + his + " is not safe: " + his + " belongs to the user " + STRANGER);
    assertFalse(Files.exists(his.resolve("helper.sock")));
  }

  @Test
  void aPolicyThatOthersCanWriteIsRefused() throws Exception {
    Path policy = Files.writeString(folder.resolve("policy"), "allow uid 0\n");
    Files.setPosixFilePermissions(policy, PosixFilePermissions.fromString("rw-rw-rw-"));
    assertRefused(
        config().withPolicyFile(policy),
        "--policy " + policy + " is not safe: " + policy + " can be written by others");
  }

  @Test
  void rulesBehindALinkAreRefused() throws Exception {
    Path file = Files.writeString(folder.resolve("file"), "auto port 80\n");
    Path rules = Files.createSymbolicLink(folder.resolve("rules"), file);
    HelperException e = assertThrows(HelperException.class, () -> Rules.load(rules));
    assertTrue(e.reason().startsWith("--rules " + rules + " is not safe: "), e.reason());
  }

  /** From the start: there is no moment in which more than the policy says may connect. */
  @Test
  void theSocketNeverLetsInMoreThanItIsTo() throws Exception {
    Path socket = folder.resolve("helper.sock");
    AtomicBoolean over = new AtomicBoolean();
    AtomicBoolean open = new AtomicBoolean();
    Thread watcher =
        Thread.ofPlatform()
            .start(
                () -> {
                  while (!over.get()) {
                    try {
                      if (((int) Files.getAttribute(socket, "unix:mode") & 007) != 0) {
                        open.set(true);
                      }
                    } catch (IOException e) {
                      // Between two of them there is none.
                      Thread.onSpinWait();
                    }
                  }
                });
    for (int i = 0; i < 300; i++) {
      ControlSocket.bind(socket, false).close();
    }
    over.set(true);
    watcher.join();
    assertFalse(open.get());
  }

  @Test
  void whatHasTakenTheSocketsPlaceIsNotRemovedWithIt() throws Exception {
    Path socket = folder.resolve("helper.sock");
    ControlSocket ours = ControlSocket.bind(socket, false);
    Files.move(socket, folder.resolve("aside"));
    try (ControlSocket next = ControlSocket.bind(socket, true)) {
      ours.close();
      assertTrue(Files.exists(next.path()), "it is the other one's");
      assertEquals(
          "rw-rw-rw-", PosixFilePermissions.toString(Files.getPosixFilePermissions(socket)));
    }
    assertFalse(Files.exists(socket));
  }

  private HelperConfig config() {
    return HelperConfig.defaults().withSocket(folder.resolve("helper.sock")).withBpffs(pins);
  }

  private void assertRefused(HelperConfig config, String why) {
    HelperException e =
        assertThrows(
            HelperException.class,
            () ->
                Helper.start(config, (_, _, _) -> new MemoryDatapath(1, 0), new Audit(_ -> {}))
                    .close());
    assertTrue(e.reason().startsWith(why), e.reason());
    assertEquals(1, e.getMessage().lines().count());
    assertFalse(Files.exists(folder.resolve("helper.sock")), "a socket is left");
  }
}
