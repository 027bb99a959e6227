/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.testing;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Where tests pin: a folder each, named by the test's process, so that the next run finds what a
 * killed one left, takes it away, and ends the helper it had started.
 */
public final class Pinning {
  private static final Path BPFFS = Path.of("/sys/fs/bpf");
  private static final Pattern NAME = Pattern.compile("underpass-test-(\\d+)-\\d+");
  private static final AtomicInteger NUMBER = new AtomicInteger();

  static {
    removeOrphans();
  }

  private Pinning() {}

  public static Path newFolder() {
    return BPFFS.resolve(
        "underpass-test-" + ProcessHandle.current().pid() + "-" + NUMBER.incrementAndGet());
  }

  private static void removeOrphans() {
    ProcessHandle.allProcesses()
        .filter(p -> isOrphan(p.info().commandLine().orElse("")))
        .forEach(ProcessHandle::destroyForcibly);
    try (var files = Files.list(BPFFS)) {
      for (Path left : files.filter(f -> isOrphan(f.toString())).toList()) {
        remove(left);
      }
    } catch (IOException e) {
      throw new IllegalStateException("cannot clean up after an earlier run", e);
    }
  }

  private static boolean isOrphan(String name) {
    Matcher matcher = NAME.matcher(name);
    return matcher.find() && ProcessHandle.of(Long.parseLong(matcher.group(1))).isEmpty();
  }

  /** With all that it has. */
  public static void remove(Path folder) throws IOException {
    List<Path> all;
    try (var files = Files.walk(folder)) {
      all = files.toList();
    }
    for (Path file : all.reversed()) {
      Files.delete(file);
    }
  }
}
