/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.samples.process;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class WorkspaceTest {

  private static final Duration SOON = Duration.ofSeconds(10);

  @TempDir Path folder;

  @Test
  void closingEndsAChildAndWhatItStarted() throws Exception {
    long grandchild;
    Child child;
    try (Workspace workspace = Workspace.create("test")) {
      // Deaf to SIGTERM, so that only force ends the grandchild.
      child =
          workspace.start(
              "shell", List.of("sh", "-c", "sh -c 'trap \"\" TERM; echo $$; sleep 60' & wait"));
      grandchild = Long.parseLong(child.line(SOON));
      assertTrue(ProcessHandle.of(grandchild).isPresent());
    }

    assertTrue(ProcessHandle.of(child.pid()).isEmpty());
    ProcessHandle.of(grandchild).ifPresent(handle -> handle.onExit().join());
  }

  @Test
  void theFolderIsRemovedWithWhatIsInIt() throws Exception {
    Path kept;
    try (Workspace workspace = Workspace.create("test")) {
      kept = workspace.folder();
      Files.writeString(Files.createDirectories(kept.resolve("a/b")).resolve("c"), "x");
    }

    assertTrue(Files.notExists(kept));
  }

  @Test
  void aPublishedClassPathIsReadableByEverybody() throws Exception {
    Path secret = Files.createDirectory(folder.resolve("secret"));
    Path jar = Files.writeString(secret.resolve("x.jar"), "x");
    Path classes = Files.createDirectories(secret.resolve("classes/p"));
    Files.writeString(classes.resolve("C.class"), "c");
    Files.setPosixFilePermissions(jar, PosixFilePermissions.fromString("rw-------"));

    try (Workspace workspace = Workspace.create("test")) {
      String copies = workspace.publish(jar + ":" + secret.resolve("classes") + ":/nowhere");

      String[] entries = copies.split(":", -1);
      assertEquals(2, entries.length);
      assertTrue(
          Files.getPosixFilePermissions(Path.of(entries[0]))
              .contains(PosixFilePermission.OTHERS_READ));
      assertEquals("c", Files.readString(Path.of(entries[1], "p", "C.class")));
    }
  }

  @Test
  void aChildThatEndsInsteadOfAnsweringIsReportedWithItsExitCode() {
    try (Child child = Child.start("shell", List.of("sh", "-c", "echo one; exit 3"))) {
      assertEquals("one", child.line(SOON));

      ChildException failure = assertThrows(ChildException.class, () -> child.line(SOON));

      assertEquals("shell ended with exit code 3", failure.getMessage());
    }
  }

  @Test
  void aProgramThatIsNotThereIsNamed() {
    ChildException failure =
        assertThrows(
            ChildException.class, () -> Child.start("nothing", List.of("/nowhere/at/all")));

    assertTrue(failure.getMessage().startsWith("nothing does not start"));
    assertFalse(failure.getMessage().isBlank());
  }
}
