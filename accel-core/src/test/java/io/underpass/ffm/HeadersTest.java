/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.ffm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The programs' sources: each header can be read alone, and no line is too long. */
class HeadersTest {
  private static final Path SOURCES =
      Path.of(System.getProperty("underpass.root", ".."), "bpf").toAbsolutePath();

  private record Checked(int exitCode, String output) {}

  @Test
  void eachHeaderCompilesAloneAndNoLineIsTooLong() throws Exception {
    assertEquals(new Checked(0, ""), check(SOURCES));
  }

  @Test
  void aHeaderThatNeedsAnotherBeforeItIsFound(@TempDir Path folder) throws Exception {
    copySources(folder);
    Path header = folder.resolve("judge.bpf.h");
    String text = Files.readString(header).replaceAll("#include .*\n", "");
    Files.writeString(header, text);
    Checked checked = check(folder);
    assertNotEquals(0, checked.exitCode);
    assertTrue(checked.output.contains("judge.bpf.h"), checked.output);
  }

  @Test
  void aLineThatIsTooLongIsFound(@TempDir Path folder) throws Exception {
    copySources(folder);
    String line = "/*" + "x".repeat(117) + "*/\n";
    Files.writeString(folder.resolve("long.h"), line);
    Checked checked = check(folder);
    assertNotEquals(0, checked.exitCode);
    assertTrue(checked.output.contains("long.h:1: longer than 120 columns"), checked.output);
  }

  private static void copySources(Path folder) throws IOException {
    try (Stream<Path> files = Files.list(SOURCES)) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        Files.copy(file, folder.resolve(file.getFileName()));
      }
    }
  }

  private static Checked check(Path sources) throws IOException, InterruptedException {
    Process make =
        new ProcessBuilder(List.of("make", "-s", "-C", sources.toString(), "check"))
            .redirectErrorStream(true)
            .start();
    String output = new String(make.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    return new Checked(make.waitFor(), output);
  }
}
