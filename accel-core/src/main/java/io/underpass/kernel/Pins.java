/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.kernel;

import io.underpass.ffm.BpfLink;
import io.underpass.ffm.BpfObject;
import io.underpass.ffm.BpfProgram;
import io.underpass.ffm.Cgroup;
import io.underpass.ffm.NativeException;
import io.underpass.ffm.UnavailableException;
import io.underpass.host.HelperException;
import io.underpass.host.TrustedPath;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/**
 * What outlives the helper: maps, links and the verdict of an object, pinned in one folder.
 *
 * <p>Maps, links and program belong together: a map without its pin would drop its verdict, a link
 * without its maps would mark sockets in a table that nobody reads. The next helper adopts the maps
 * with everything in them, and swaps its own programs in.
 */
public final class Pins {
  private static final String VERDICT = "verdict";
  private static final String LINK = "link_";

  /** The helper's, which names the folder that this one is in. */
  static final String OPTION = "--pin-dir";

  private final Path folder;
  private final List<String> maps;

  /**
   * Where the maps of this version's object are, or will be.
   *
   * @param pins the folder of all of the helper's pins
   */
  public Pins(Path pins, BuiltObject object) throws IOException {
    this(object.pinFolder(pins), object.pinnedMaps());
  }

  /** A folder with these maps, and perhaps others. */
  public Pins(Path folder, List<String> maps) {
    this.folder = folder;
    this.maps = maps;
  }

  /** Whether an earlier helper left something here, be it only a part of all. */
  public boolean exist() throws IOException {
    return !names().isEmpty();
  }

  private Set<String> names() throws IOException {
    Set<String> names = new TreeSet<>();
    try (DirectoryStream<Path> all = Files.newDirectoryStream(folder)) {
      all.forEach(pin -> names.add(pin.getFileName().toString()));
    } catch (NoSuchFileException e) {
      return names;
    }
    return names;
  }

  /** Before the load: maps are taken from the pins that exist, and pinned where there are none. */
  public void prepare(BpfObject object) throws IOException {
    TrustedPath path = new TrustedPath(folder, OPTION);
    path.makeFolder("rwx------");
    path.checkFiles();
    checkWhole();
    for (String map : maps) {
      object.setPinPath(map, folder.resolve(map));
    }
  }

  /**
   * Refuses to adopt what lacks a part. Maps are pinned before anything is attached, and removed
   * after it: what is attached works on all of them, and a new map in the place of one that is
   * missing would not be that of the sockets that are enrolled.
   */
  private void checkWhole() throws IOException {
    Set<String> missing = new TreeSet<>(maps);
    missing.removeAll(names());
    if (hasPrograms() && !missing.isEmpty()) {
      throw new HelperException(
          "what an earlier helper left in " + folder + " is not whole: it has no " + missing,
          "end the JVMs that it served, and then remove the folder: rm -r " + folder);
    }
  }

  /** Whether programs work on the maps: maps alone are of a start that was cut short. */
  boolean hasPrograms() throws IOException {
    return names().stream().anyMatch(name -> name.equals(VERDICT) || name.startsWith(LINK));
  }

  /** Attaches a cgroup program, in the place of an earlier helper's if there is one. */
  public BpfLink attach(BpfProgram program, Path cgroup)
      throws NativeException, UnavailableException {
    Path pin = folder.resolve(LINK + program.name());
    return Files.exists(pin) ? takeOver(pin, program) : keep(program.attachCgroup(cgroup), pin);
  }

  private static BpfLink takeOver(Path pin, BpfProgram program)
      throws NativeException, UnavailableException {
    BpfLink link = BpfLink.openPinned(pin);
    try {
      link.update(program);
      return link;
    } catch (NativeException e) {
      link.close();
      throw e;
    }
  }

  private static BpfLink keep(BpfLink link, Path pin) throws NativeException {
    try {
      link.pin(pin);
      return link;
    } catch (NativeException e) {
      link.close();
      throw e;
    }
  }

  /**
   * Attaches a cgroup program to one cgroup of several, in the place of an earlier helper's if
   * there is one. It is attached until {@link #detach(String, long)}: there may be too many to keep
   * a descriptor of each.
   *
   * @param mount any cgroup of the hierarchy
   */
  public void attach(BpfProgram program, Cgroup mount, long id)
      throws NativeException, UnavailableException {
    Path pin = folder.resolve(LINK + id + "_" + program.name());
    if (Files.exists(pin)) {
      takeOver(pin, program).close();
      return;
    }
    try (Cgroup cgroup = Cgroup.open(mount, id)) {
      keep(program.attachCgroup(cgroup), pin).close();
    }
  }

  /** The cgroups that an earlier helper has attached programs to, by their ids. */
  public Set<Long> attachedCgroups() throws IOException {
    Set<Long> ids = new TreeSet<>();
    try (DirectoryStream<Path> pinned = Files.newDirectoryStream(folder, LINK + "[0-9]*_*")) {
      for (Path pin : pinned) {
        String name = pin.getFileName().toString().substring(LINK.length());
        ids.add(Long.parseUnsignedLong(name, 0, name.indexOf('_'), 10));
      }
    }
    return ids;
  }

  /** Detaches a program from one cgroup of several. */
  public void detach(String program, long id) throws IOException {
    Files.deleteIfExists(folder.resolve(LINK + id + "_" + program));
  }

  /** Whether a cgroup program is attached. */
  public boolean isAttached(String program) {
    return Files.exists(folder.resolve(LINK + program));
  }

  /** Detaches a cgroup program, once its link is closed too. */
  public void detach(String program) throws IOException {
    Files.deleteIfExists(folder.resolve(LINK + program));
  }

  /** Keeps the verdict in the kernel; sockets that are enrolled already keep the one they have. */
  public void keepVerdict(BpfProgram program) throws IOException {
    Path pin = folder.resolve(VERDICT);
    Files.deleteIfExists(pin);
    program.pin(pin);
  }

  /**
   * Detaches and gives up everything: links first, so that nothing is marked any more, and the maps
   * last (see {@link #checkWhole}).
   */
  public void remove() throws IOException {
    if (!Files.isDirectory(folder)) {
      return;
    }
    try (var files = Files.list(folder)) {
      List<Path> pins = files.sorted(Comparator.comparingInt(this::turn)).toList();
      for (Path pin : pins) {
        Files.deleteIfExists(pin);
      }
    }
    Files.deleteIfExists(folder);
  }

  private int turn(Path pin) {
    String name = pin.getFileName().toString();
    return name.startsWith(LINK) ? 0 : maps.contains(name) ? 2 : 1;
  }

  /**
   * The same where something has failed, which the caller tells; what fails here is told with it.
   */
  public void removeAfter(Exception cause) {
    try {
      remove();
    } catch (IOException e) {
      cause.addSuppressed(e);
    }
  }
}
