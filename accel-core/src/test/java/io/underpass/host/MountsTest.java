/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.host;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MountsTest {
  private static final String V1 =
      "33 24 0:28 / /sys/fs/cgroup/cpu rw,relatime shared:9 - cgroup cgroup rw,cpu";
  private static final String HYBRID =
      "42 24 0:37 / /sys/fs/cgroup/unified rw,relatime shared:10 - cgroup2 cgroup2 rw";
  private static final String UNIFIED = "35 25 0:30 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw";
  private static final String PART =
      "36 25 0:30 /system.slice /mnt/part rw,nosuid shared:3 master:1 - cgroup2 cgroup2 rw";
  private static final String BPF = "37 25 0:31 / /sys/fs/bpf rw shared:11 - bpf bpf rw,mode=700";

  @Test
  void onAHybridHostTheUnifiedHierarchyIsTaken() throws Exception {
    assertEquals(Path.of("/sys/fs/cgroup/unified"), find(V1, HYBRID));
  }

  @Test
  void onAUnifiedHostItIsTheRoot() throws Exception {
    assertEquals(Path.of("/sys/fs/cgroup"), find(UNIFIED));
  }

  @Test
  void theWholeHierarchyIsPreferredToAPart() throws Exception {
    assertEquals(Path.of("/sys/fs/cgroup"), find(PART, UNIFIED));
    assertEquals(Path.of("/mnt/part"), find(V1, PART));
  }

  @Test
  void withoutOneTheRemedyIsNamed() {
    HelperException e = assertThrows(HelperException.class, () -> find(V1, BPF));
    assertEquals("no cgroup v2 hierarchy is mounted", e.reason());
    assertTrue(e.remedy().contains("mount -t cgroup2"), e.remedy());
  }

  @Test
  void escapedCharactersAreRead() throws Exception {
    assertEquals(
        Path.of("/mnt/a b\\c"), find("42 24 0:37 / /mnt/a\\040b\\134c rw - cgroup2 cgroup2 rw"));
  }

  @Test
  void linesOfAnotherFormArePassedOver() throws Exception {
    assertEquals(Path.of("/sys/fs/cgroup"), find("", "- ", "1 2 3 - cgroup2", UNIFIED));
  }

  @Test
  void aPinFolderIsOnTheMountThatShows() {
    List<MountInfo> mounts = MountInfo.parse(List.of(V1, BPF));
    assertTrue(Bpffs.isOnBpffs(Path.of("/sys/fs/bpf/underpass"), mounts));
    assertFalse(Bpffs.isOnBpffs(Path.of("/sys/fs/bpf2/underpass"), mounts));
    String covered = "50 37 0:40 / /sys/fs/bpf rw - tmpfs tmpfs rw";
    assertFalse(
        Bpffs.isOnBpffs(Path.of("/sys/fs/bpf/underpass"), MountInfo.parse(List.of(BPF, covered))));
  }

  @Test
  void pinsInAFolderFullOfFilesAreRefused(@TempDir Path folder) throws Exception {
    Files.createFile(folder.resolve("file"));
    HelperException e =
        assertThrows(HelperException.class, () -> Bpffs.prepare(folder.resolve("pins"), List.of()));
    assertTrue(e.reason().contains("no bpf file system is mounted on " + folder), e.reason());
    assertTrue(e.remedy().contains("mount -t bpf bpf /sys/fs/bpf"), e.remedy());
  }

  private static Path find(String... lines) throws HelperException {
    return CgroupMount.find(MountInfo.parse(List.of(lines)));
  }
}
