/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.bpf;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/** The programs of a helper of another version: the sources, with a change. */
final class ChangedPrograms {
  private ChangedPrograms() {}

  /**
   * Compiles them.
   *
   * @param build an empty folder
   * @param from a text, which is replaced in all sources that have it
   * @return a folder for the class path, with the object in the place where the jar has it
   */
  static Path compile(Path build, String from, String to) throws Exception {
    Path sources = Files.createDirectory(build.resolve("bpf"));
    Path origin = Path.of(System.getProperty("underpass.root", "."), "bpf");
    int changed = 0;
    try (Stream<Path> files = Files.list(origin)) {
      for (Path file : files.filter(ChangedPrograms::isSource).toList()) {
        String code = Files.readString(file);
        changed += code.contains(from) ? 1 : 0;
        Files.writeString(sources.resolve(file.getFileName()), code.replace(from, to));
      }
    }
    assertTrue(changed > 0, "the text that is changed is not there");
    Path out = build.resolve("classes/io/underpass/bpf");
    run("make", "-s", "-C", sources, "OUT=" + out, "all");
    return build.resolve("classes");
  }

  /** Not what tests leave beside them, which need not be text. */
  private static boolean isSource(Path file) {
    String name = file.getFileName().toString();
    return name.endsWith(".h") || name.endsWith(".c") || name.equals("Makefile");
  }

  private static void run(Object... command) throws IOException, InterruptedException {
    List<String> words = Stream.of(command).map(Object::toString).toList();
    Process process = new ProcessBuilder(words).redirectErrorStream(true).start();
    String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertEquals(0, process.waitFor(), out);
  }
}
