/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.host;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.underpass.testing.KernelTest;
import io.underpass.testing.LeastPrivilege;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What another user made, or could change, is refused; what he made is not touched. */
@KernelTest
public class TrustedPathTest {
  public static final int STRANGER = 2006;

  @TempDir private Path folder;
  private Path open;

  /** As {@code /tmp}, and as a bpf file system that is mounted without options. */
  @BeforeEach
  void makeAFolderWhereAllMayWrite() throws Exception {
    Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwxr-xr-x"));
    open = Files.createDirectory(folder.resolve("open"));
    new ProcessBuilder("chmod", "1777", open.toString()).start().waitFor();
  }

  /** Runs a command as a user without any privilege; whether it went well. */
  public static boolean asStranger(String... command) throws IOException, InterruptedException {
    List<String> whole = new ArrayList<>(LeastPrivilege.user(STRANGER));
    whole.addAll(List.of(command));
    return new ProcessBuilder(whole).inheritIO().start().waitFor() == 0;
  }

  @Test
  void aFolderIsMadeWithItsModeAndAllAboveIt() throws Exception {
    Path made = open.resolve("a/b");
    path(made).makeFolder("rwx------");
    for (Path each : List.of(made, made.getParent())) {
      assertEquals("rwx------", PosixFilePermissions.toString(Files.getPosixFilePermissions(each)));
    }
    path(made).makeFolder("rwxr-xr-x");
    assertEquals(
        "rwx------",
        PosixFilePermissions.toString(Files.getPosixFilePermissions(made)),
        "what is there keeps its mode");
    assertDoesNotThrow(() -> path(made).checkFolder());
    assertFalse(asStranger("mv", open.resolve("a").toString(), open.resolve("c").toString()));
  }

  @Test
  void aFolderOfAnotherUserIsRefusedThoughItIsClosed() throws Exception {
    Path his = open.resolve("his");
    assertTrue(asStranger("mkdir", "-m", "0700", his.toString()));
    assertRefused(his, his + " belongs to the user " + STRANGER);
    assertRefused(his.resolve("pins"), his + " belongs to the user " + STRANGER);
  }

  @Test
  void aLinkIsRefusedAndWhatItLeadsToIsLeftAlone() throws Exception {
    Path target = Files.createDirectory(folder.resolve("target"));
    Files.setPosixFilePermissions(target, PosixFilePermissions.fromString("rwxr-xr-x"));
    Path link = open.resolve("link");
    assertTrue(asStranger("ln", "-s", target.toString(), link.toString()));
    assertRefused(link, link + " is a symbolic link");
    assertRefused(link.resolve("pins"), link + " is a symbolic link");
    assertEquals("rwxr-xr-x", PosixFilePermissions.toString(Files.getPosixFilePermissions(target)));
    assertFalse(Files.exists(target.resolve("pins")));
  }

  @Test
  void aLinkOfRootsIsRefusedAsWell() throws Exception {
    Path link = Files.createSymbolicLink(folder.resolve("link"), open);
    assertRefused(link.resolve("pins"), link + " is a symbolic link");
  }

  @Test
  void aFolderThatOthersCanWriteIsRefusedWithoutTheStickyBit() throws Exception {
    Path wide = Files.createDirectory(folder.resolve("wide"));
    Path inside = Files.createDirectory(wide.resolve("inside"));
    for (String mode : List.of("rwxrwx---", "rwxr-x-w-")) {
      Files.setPosixFilePermissions(wide, PosixFilePermissions.fromString(mode));
      HelperException e = assertRefused(inside, wide + " can be written by others than its owner");
      assertEquals("take that from them: chmod go-w " + wide, e.remedy());
    }
  }

  @Test
  void aFileInTheWayIsNoFolder() throws Exception {
    Path file = Files.createFile(folder.resolve("file"));
    assertRefused(file, file + " is no folder");
    assertRefused(file.resolve("pins"), file + " is no folder");
  }

  @Test
  void aFileIsRefusedThatAnotherUserCanChange() throws Exception {
    Path file = Files.createFile(folder.resolve("file"));
    assertDoesNotThrow(() -> path(file).checkFile());
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-rw-r--"));
    assertFileRefused(file, file + " can be written by others than its owner (mode 0664)");
    Path link = Files.createSymbolicLink(folder.resolve("file-link"), file);
    assertFileRefused(link, link + " is a symbolic link");
    Path his = open.resolve("his");
    assertTrue(asStranger("sh", "-c", "umask 077; echo allow uid 2006 >" + his));
    assertFileRefused(his, his + " belongs to the user " + STRANGER);
    assertFileRefused(open, open + " is no file");
  }

  @Test
  void aFolderIsRefusedThatHoldsAFileOfAnotherUser() throws Exception {
    Files.createFile(open.resolve("ours"));
    assertDoesNotThrow(() -> path(open).checkFiles());
    assertTrue(asStranger("touch", open.resolve("his").toString()));
    HelperException e = assertThrows(HelperException.class, () -> path(open).checkFiles());
    assertTrue(e.reason().contains("his belongs to the user " + STRANGER), e.reason());
  }

  private static TrustedPath path(Path path) {
    return new TrustedPath(path, "--pin-dir");
  }

  private static HelperException assertRefused(Path path, String why) {
    assertUnsafe(assertThrows(HelperException.class, () -> path(path).checkFolder()), path, why);
    return assertUnsafe(
        assertThrows(HelperException.class, () -> path(path).makeFolder("rwx------")), path, why);
  }

  private static void assertFileRefused(Path file, String why) {
    assertUnsafe(assertThrows(HelperException.class, () -> path(file).checkFile()), file, why);
  }

  private static HelperException assertUnsafe(HelperException e, Path path, String why) {
    assertTrue(e.reason().startsWith("--pin-dir " + path + " is not safe: " + why), e.reason());
    return e;
  }
}
