/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.kernel;

import io.underpass.ffm.BpfMap;
import io.underpass.host.TrustedPath;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * What a helper of another version left, whose maps have other layouts. This helper can neither
 * read nor adopt it, so it stays as it is while a process uses it: its flows and ports go on by its
 * programs, which are still attached. When no process does, it is removed.
 *
 * <p>Whoever calls this holds the lock of the pin folder, so that no other helper runs there.
 */
public final class ForeignPins {
  private final BuiltObject object;
  private final Path folder;

  private ForeignPins(BuiltObject object, Path folder) {
    this.object = object;
    this.folder = folder;
  }

  /**
   * Where helpers of other versions have left something.
   *
   * @param pins the folder of all of the helper's pins
   */
  public static List<Path> folders(Path pins) throws IOException {
    return all(pins).stream().map(foreign -> foreign.folder).toList();
  }

  /** Removes what no process uses any more; returns the folders that had to stay. */
  public static List<Path> removeUnused(Path pins) throws IOException {
    List<Path> used = new ArrayList<>();
    for (ForeignPins foreign : all(pins)) {
      new TrustedPath(foreign.folder, Pins.OPTION).checkFiles();
      if (foreign.isUsed()) {
        used.add(foreign.folder);
      } else {
        new Pins(foreign.folder, foreign.object.pinnedMaps()).remove();
      }
    }
    return used;
  }

  private static List<ForeignPins> all(Path pins) throws IOException {
    List<ForeignPins> all = new ArrayList<>();
    if (!Files.isDirectory(pins)) {
      return all;
    }
    for (BuiltObject object : BuiltObject.values()) {
      Path own = object.pinFolder(pins);
      try (DirectoryStream<Path> folders = Files.newDirectoryStream(pins, object::isPinFolder)) {
        for (Path folder : folders) {
          if (!folder.equals(own)) {
            all.add(new ForeignPins(object, folder));
          }
        }
      }
    }
    return all;
  }

  /** Sockets stay in these maps until they are closed, or taken off by the helper. */
  private boolean isUsed() throws IOException {
    if (!new Pins(folder, object.pinnedMaps()).hasPrograms()) {
      return false;
    }
    for (String name : object.mapsInUse()) {
      Path pin = folder.resolve(name);
      if (!Files.exists(pin)) {
        return true; // it cannot be told
      }
      try (BpfMap map = BpfMap.openPinned(pin)) {
        if (map.nextKey(null, map.newKey())) {
          return true;
        }
      }
    }
    return false;
  }
}
