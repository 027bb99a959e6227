/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.host;

import io.underpass.ffm.BpfMount;
import io.underpass.ffm.NativeException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/** Prepares the folder that pins live in, and that nobody else may have to do with. */
public final class Bpffs {
  /** Where bpffs belongs by convention; the kernel makes the folder. */
  private static final Path USUAL = Path.of("/sys/fs/bpf");

  /** Names the folder. */
  private static final String OPTION = "--pin-dir";

  private Bpffs() {}

  /** Makes the folder; mounts bpffs above it if none is mounted there. */
  public static void prepare(Path pins, List<MountInfo> mounts) throws HelperException {
    Path folder = pins.toAbsolutePath().normalize();
    if (!isOnBpffs(folder, mounts)) {
      mount(folder.startsWith(USUAL) ? USUAL : folder.getParent());
    }
    new TrustedPath(pins, OPTION).makeFolder("rwx------");
  }

  /** Before anything is done with what is there. */
  public static void check(Path pins) throws HelperException {
    new TrustedPath(pins, OPTION).checkFolder();
  }

  /** The last of the mounts with the longest path is the one that shows. */
  public static boolean isOnBpffs(Path folder, List<MountInfo> mounts) {
    return mounts.stream()
        .filter(m -> folder.startsWith(m.point()))
        .max(
            Comparator.comparingInt((MountInfo m) -> m.point().getNameCount())
                .thenComparingInt(mounts::indexOf))
        .filter(m -> m.type().equals("bpf"))
        .isPresent();
  }

  private static void mount(Path point) throws HelperException {
    String remedy = "mount it: mount -t bpf bpf " + USUAL;
    if (point != null) {
      check(point);
    }
    if (point == null || !isEmptyFolder(point)) {
      throw new HelperException(
          "no bpf file system is mounted on " + point + ", which is no empty folder either",
          remedy + ", and choose a folder in it with --pin-dir");
    }
    try {
      BpfMount.mount(point);
    } catch (NativeException e) {
      throw new HelperException(
          "no bpf file system is mounted on " + point + " (" + e.getMessage() + ")", remedy, e);
    }
  }

  private static boolean isEmptyFolder(Path folder) {
    try (Stream<Path> files = Files.list(folder)) {
      return files.findAny().isEmpty();
    } catch (IOException e) {
      return false;
    }
  }
}
