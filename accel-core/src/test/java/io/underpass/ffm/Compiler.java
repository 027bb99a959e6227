/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.ffm;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Compiles C for tests, with the clang that the build needs anyway. */
final class Compiler {
  private Compiler() {}

  /** The test's BPF object. */
  static byte[] bpf(Path folder, String... flags) throws Exception {
    Path source = folder.resolve("bindings.bpf.c");
    try (InputStream in = Compiler.class.getResourceAsStream("bindings.bpf.c")) {
      Files.write(source, in.readAllBytes());
    }
    return bpf(folder, source, flags);
  }

  /** An object of this source, whose headers are in the folder. */
  static byte[] bpfOf(Path folder, String source) throws Exception {
    Path file = Files.writeString(folder.resolve("source.bpf.c"), source);
    return bpf(folder, file);
  }

  /** An object that uses the structs, so that their types are in its BTF. */
  static byte[] bpfWithTypes(Path folder, Path header, List<String> structs) throws Exception {
    StringBuilder source = new StringBuilder("#include <linux/types.h>\n");
    source.append("#include \"").append(header).append("\"\n");
    structs.forEach(s -> source.append("struct %s a_%s;\n".formatted(s, s)));
    return bpf(folder, Files.writeString(folder.resolve("types.bpf.c"), source));
  }

  private static byte[] bpf(Path folder, Path source, String... flags) throws Exception {
    Path object = folder.resolve("test.bpf.o");
    List<String> command =
        new ArrayList<>(List.of("clang", "-target", "bpf", "-mcpu=v3", "-O2", "-g"));
    // asm/types.h of a multiarch Debian.
    command.addAll(List.of("-idirafter", "/usr/include/" + machine() + "-linux-gnu"));
    command.addAll(List.of(flags));
    command.addAll(List.of("-c", source.toString(), "-o", object.toString()));
    run(command);
    return Files.readAllBytes(object);
  }

  /** A shared library. */
  static Path sharedObject(Path folder, String source) throws Exception {
    Path file = Files.writeString(folder.resolve("library.c"), source);
    Path library = folder.resolve("library.so");
    run(List.of("clang", "-shared", "-fPIC", file.toString(), "-o", library.toString()));
    return library;
  }

  private static String machine() {
    return System.getProperty("os.arch").equals("amd64") ? "x86_64" : "aarch64";
  }

  private static void run(List<String> command) throws Exception {
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertEquals(0, process.waitFor(), output);
  }
}
