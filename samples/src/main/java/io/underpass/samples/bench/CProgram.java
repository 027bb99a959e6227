/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.samples.bench;

import io.underpass.samples.process.Child;
import io.underpass.samples.process.ChildException;
import io.underpass.samples.process.Project;
import io.underpass.samples.process.Workspace;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/** Compiles the programs in C that some rows are measured by. */
final class CProgram {

  private static final Path SOURCES = Path.of("samples/src/main/c");
  private static final Duration COMPILING = Duration.ofSeconds(30);

  private CProgram() {}

  /** Compiles {@code name}.c; empty where that is not possible, and says why on standard error. */
  static Optional<Path> compile(Workspace workspace, String name) {
    Path source = Project.root().resolve(SOURCES).resolve(name + ".c");
    Path program = workspace.folder().resolve(name);
    if (Files.exists(program)) {
      return Optional.of(program);
    }
    List<String> words = List.of("gcc", "-O2", "-o", program.toString(), source.toString());
    try (Child gcc = Child.start("gcc", words)) {
      if (gcc.await(COMPILING) == 0) {
        return Optional.of(program);
      }
      System.err.println("bench: no rows of " + name + ": gcc fails");
    } catch (ChildException e) {
      System.err.println("bench: no rows of " + name + ": " + e.getMessage());
    }
    return Optional.empty();
  }
}
