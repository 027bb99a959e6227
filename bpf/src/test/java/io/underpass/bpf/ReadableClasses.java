/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.bpf;

import java.io.IOException;
import java.net.URI;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.stream.Stream;

/** Classes for a process of another user, who may not be able to read where they are. */
public final class ReadableClasses {
  private ReadableClasses() {}

  /** Copies all classes that are in one place with any of these, to where everybody can read. */
  public static void copy(Path to, List<Class<?>> placed) throws IOException {
    for (Class<?> of : placed) {
      URI place = URI.create(of.getProtectionDomain().getCodeSource().getLocation().toString());
      if (place.getPath().endsWith(".jar")) {
        try (FileSystem jar = FileSystems.newFileSystem(Path.of(place))) {
          copy(jar.getPath("/"), to);
        }
      } else {
        copy(Path.of(place), to);
      }
    }
  }

  private static void copy(Path from, Path to) throws IOException {
    try (Stream<Path> files = Files.walk(from)) {
      for (Path file : files.filter(f -> f.toString().endsWith(".class")).toList()) {
        Path copy = to.resolve(from.relativize(file).toString());
        Files.createDirectories(copy.getParent());
        Files.copy(file, copy, StandardCopyOption.REPLACE_EXISTING);
      }
    }
  }
}
