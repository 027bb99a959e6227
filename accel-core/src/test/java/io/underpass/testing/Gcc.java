/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.testing;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.underpass.protocol.SocketOptions;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;

/** Compiles programs of tests that are written in C. */
public final class Gcc {
  private Gcc() {}

  /**
   * Compiles a file of this tree into a program of its name, which every user may run.
   *
   * @param source from the tree's root on
   * @param folder where the program comes
   */
  public static Path compile(String source, Path folder) throws IOException, InterruptedException {
    return compile(Path.of(System.getProperty("underpass.root", "."), source), folder);
  }

  /** The same of any file. */
  public static Path compile(Path source, Path folder) throws IOException, InterruptedException {
    Path program = folder.resolve(source.getFileName().toString().replaceFirst("\\.c$", ""));
    Process gcc =
        new ProcessBuilder(
                "gcc",
                "-O",
                "-Wall",
                "-DUP_SOL=" + SocketOptions.LEVEL,
                "-DUP_OPT_ACCELERATE=" + SocketOptions.ACCELERATE,
                "-o",
                program.toString(),
                source.toString())
            .redirectErrorStream(true)
            .start();
    String said = new String(gcc.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertEquals(0, gcc.waitFor(), said);
    Files.setPosixFilePermissions(program, PosixFilePermissions.fromString("rwxr-xr-x"));
    return program;
  }
}
