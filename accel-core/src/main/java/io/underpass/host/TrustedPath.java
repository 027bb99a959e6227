/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.host;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * A path that the helper relies on: nobody but root, and the user that the helper runs as, can have
 * put there what is there, can change it, or put something else in its place.
 *
 * <p>It is looked at component by component, from the root on. Each has to be a folder itself, not
 * a link to one, belong to one of those two, and be writable by its owner alone. (Where an access
 * list lets others write, the group's bits of the mode say so.) A folder with the sticky bit, such
 * as {@code /tmp} or a bpf file system as mount(8) makes it, may be writable by all: what is in it
 * is removed and renamed by its owner only. Whoever writes there can take a name before the helper
 * has it, so that the helper does not start; he cannot give the helper anything.
 *
 * <p>Nobody else can undo what was found, so from then on the path can be used by its name.
 */
public final class TrustedPath {
  /** inode(7). */
  private static final int S_IFMT = 0170000;

  private static final int S_IFDIR = 0040000;
  private static final int S_IFREG = 0100000;
  private static final int S_IFLNK = 0120000;
  private static final int S_ISVTX = 01000;
  private static final int WRITABLE_BY_OTHERS = 022;

  private static final String ANOTHER = "choose another path";

  private final Path path;
  private final String option;

  /**
   * @param option of the helper, which names the path; people are told it
   */
  public TrustedPath(Path path, String option) {
    this.path = path.toAbsolutePath();
    this.option = option;
  }

  /** What lstat(2) says of a file. */
  private record State(int mode, int uid) {
    boolean is(int type) {
      return (mode & S_IFMT) == type;
    }

    boolean isWritableByOthers() {
      return (mode & WRITABLE_BY_OTHERS) != 0;
    }

    boolean isSticky() {
      return (mode & S_ISVTX) != 0;
    }
  }

  /**
   * Makes the folder, with all above it that is missing, and checks all of it. What is there
   * already keeps its mode.
   *
   * @param mode of what is made, as {@code rwxr-xr-x}
   */
  public void makeFolder(String mode) throws HelperException {
    Set<PosixFilePermission> permissions = PosixFilePermissions.fromString(mode);
    for (Path at : components()) {
      if (look(at) == null) {
        make(at, permissions);
      }
      checkFolder(at);
    }
  }

  /** Checks a folder, as far as it is there. */
  public void checkFolder() throws HelperException {
    for (Path at : components()) {
      if (look(at) == null) {
        return;
      }
      checkFolder(at);
    }
  }

  /** Checks a file that is there, and the folders that it is in. */
  public void checkFile() throws HelperException {
    List<Path> components = components();
    for (Path at : components.subList(0, components.size() - 1)) {
      checkFolder(at);
    }
    checkFile(path);
  }

  /** Checks a folder that is there, and all that it holds: files, and nothing else. */
  public void checkFiles() throws HelperException {
    checkFolder();
    try (DirectoryStream<Path> files = Files.newDirectoryStream(path)) {
      for (Path file : files) {
        checkFile(file);
      }
    } catch (HelperException e) {
      throw e;
    } catch (IOException e) {
      throw new HelperException(
          option + " " + path + " cannot be checked: it cannot be read (" + e + ")", ANOTHER, e);
    }
  }

  private void checkFile(Path file) throws HelperException {
    State state = owned(file, S_IFREG, "file");
    if (state.isWritableByOthers()) {
      throw writable(file, state);
    }
  }

  /** From the root on; with {@code ..} as the kernel takes it, since none of them is a link. */
  private List<Path> components() {
    List<Path> all = new ArrayList<>();
    Path at = path.getRoot();
    all.add(at);
    for (Path name : path) {
      at = at.resolve(name);
      all.add(at);
    }
    return all;
  }

  /** Null if there is nothing. */
  private State look(Path at) throws HelperException {
    try {
      Map<String, Object> found =
          Files.readAttributes(at, "unix:mode,uid", LinkOption.NOFOLLOW_LINKS);
      return new State((int) found.get("mode"), (int) found.get("uid"));
    } catch (NoSuchFileException e) {
      return null;
    } catch (IOException e) {
      throw new HelperException(
          option + " " + path + " cannot be checked: " + at + " cannot be seen (" + e + ")",
          ANOTHER,
          e);
    }
  }

  private void make(Path at, Set<PosixFilePermission> permissions) throws HelperException {
    try {
      Files.createDirectory(at, PosixFilePermissions.asFileAttribute(permissions));
      // The umask may have taken some of it. The folder is ours, so nobody can have replaced it.
      Files.setPosixFilePermissions(at, permissions);
    } catch (FileAlreadyExistsException e) {
      // Somebody was faster: whether that is somebody to trust, the check that follows says.
      return;
    } catch (IOException e) {
      throw new HelperException(
          option + " " + path + " cannot be made: " + at + " (" + e + ")", ANOTHER, e);
    }
  }

  private void checkFolder(Path at) throws HelperException {
    State state = owned(at, S_IFDIR, "folder");
    if (state.isWritableByOthers() && !state.isSticky()) {
      throw writable(at, state);
    }
  }

  /** What is there, if it is of that type, and belongs to somebody to trust. */
  private State owned(Path at, int type, String called) throws HelperException {
    State state = look(at);
    if (state == null) {
      throw unsafe(at + " does not exist", ANOTHER);
    }
    if (state.is(S_IFLNK)) {
      throw unsafe(at + " is a symbolic link", "name the path that it leads to");
    }
    if (!state.is(type)) {
      throw unsafe(at + " is no " + called, ANOTHER);
    }
    if (state.uid() != 0 && state.uid() != HeldPrivileges.ownUid()) {
      throw unsafe(
          at + " belongs to the user " + Integer.toUnsignedString(state.uid()),
          "see what it is, and remove it, or " + ANOTHER);
    }
    return state;
  }

  private HelperException writable(Path at, State state) {
    return unsafe(
        at + " can be written by others than its owner (mode %04o)".formatted(state.mode() & 07777),
        "take that from them: chmod go-w " + at);
  }

  private HelperException unsafe(String why, String remedy) {
    return new HelperException(option + " " + path + " is not safe: " + why, remedy);
  }
}
