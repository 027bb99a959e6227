/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.samples.process;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayDeque;
import java.util.Comparator;
import java.util.Deque;
import java.util.List;
import java.util.stream.Stream;

/**
 * A temporary folder that any user can read, and the things to be closed with it, children above
 * all. Closing, or the end of this JVM by a signal, ends them, the last first, and removes the
 * folder.
 */
public final class Workspace implements AutoCloseable {

  private final Path folder;
  private final Thread hook = new Thread(this::tearDown, "workspace-end");

  /** Guarded by this. */
  private final Deque<AutoCloseable> held = new ArrayDeque<>();

  private Workspace(Path folder) {
    this.folder = folder;
  }

  public static Workspace create(String name) throws IOException {
    Path folder = Files.createTempDirectory("underpass-" + name + "-");
    Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwxr-xr-x"));
    Workspace workspace = new Workspace(folder);
    Runtime.getRuntime().addShutdownHook(workspace.hook);
    return workspace;
  }

  public Path folder() {
    return folder;
  }

  /**
   * Has {@code thing} closed with this workspace, if nobody closed it before; closing twice must be
   * harmless.
   */
  public synchronized <T extends AutoCloseable> T hold(T thing) {
    held.push(thing);
    return thing;
  }

  public Child start(String name, List<String> command) {
    return hold(Child.start(name, command));
  }

  /**
   * Copies every jar and folder of a class path to where any user can read it: the tree itself may
   * lie in a folder that only its owner can enter.
   *
   * @return the class path of the copies
   */
  public String publish(String classPath) throws IOException {
    Path lib = Files.createDirectories(folder.resolve("lib"));
    StringBuilder copies = new StringBuilder();
    int number = 0;
    for (String entry : classPath.split(":", -1)) {
      Path original = Path.of(entry);
      if (Files.exists(original)) {
        Path copy = lib.resolve(number++ + "-" + original.getFileName());
        copyTree(original, copy);
        copies.append(copies.isEmpty() ? "" : ":").append(copy);
      }
    }
    return copies.toString();
  }

  /** Copies a file or a folder, readable by everybody, into a place that this workspace made. */
  public static void copyTree(Path from, Path to) throws IOException {
    try (Stream<Path> paths = Files.walk(from)) {
      for (Path path : (Iterable<Path>) paths::iterator) {
        Path copy = to.resolve(from.relativize(path).toString());
        if (Files.isDirectory(path)) {
          Files.createDirectories(copy);
          Files.setPosixFilePermissions(copy, PosixFilePermissions.fromString("rwxr-xr-x"));
        } else {
          Files.copy(path, copy);
          Files.setPosixFilePermissions(copy, PosixFilePermissions.fromString("rw-r--r--"));
        }
      }
    }
  }

  @Override
  public void close() {
    try {
      Runtime.getRuntime().removeShutdownHook(hook);
    } catch (IllegalStateException e) {
      return; // The JVM is ending: the hook does it.
    }
    tearDown();
  }

  private synchronized void tearDown() {
    while (!held.isEmpty()) {
      try {
        held.pop().close();
      } catch (Exception e) {
        System.err.println("cannot close: " + e);
      }
    }
    try {
      deleteTree(folder);
    } catch (IOException | UncheckedIOException e) {
      System.err.println("cannot remove " + folder + ": " + e);
    }
  }

  /** Deletes a folder and what is in it, if it is there. */
  static void deleteTree(Path folder) throws IOException {
    if (!Files.exists(folder)) {
      return;
    }
    try (Stream<Path> paths = Files.walk(folder)) {
      for (Path path : (Iterable<Path>) paths.sorted(Comparator.reverseOrder())::iterator) {
        Files.deleteIfExists(path);
      }
    }
  }
}
