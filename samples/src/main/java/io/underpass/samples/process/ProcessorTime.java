/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.samples.process;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;

/**
 * How long each thread of a process has been on a processor, to the nanosecond: {@code
 * /proc/pid/task/tid/schedstat}, first field (the kernel's scheduler/sched-stats.rst). What {@link
 * Child#cpuTime} reads has ticks of 10 ms.
 *
 * @param nanos of each thread
 */
public record ProcessorTime(Map<Task, Long> nanos) {

  /**
   * A thread.
   *
   * @param name as the kernel has it: the first 15 letters
   */
  public record Task(String number, String name) {}

  /** Of all threads that the process has now. */
  public static ProcessorTime of(long pid) throws IOException {
    return of(Path.of("/proc", Long.toString(pid), "task"));
  }

  static ProcessorTime of(Path threads) throws IOException {
    Map<Task, Long> nanos = new HashMap<>();
    try (DirectoryStream<Path> folders = Files.newDirectoryStream(threads)) {
      for (Path thread : folders) {
        try {
          String name = Files.readString(thread.resolve("comm")).strip();
          String times = Files.readString(thread.resolve("schedstat"));
          nanos.put(
              new Task(thread.getFileName().toString(), name),
              Long.valueOf(times.substring(0, times.indexOf(' '))));
        } catch (NoSuchFileException e) {
          // It has ended since the folder was listed.
        }
      }
    }
    if (nanos.isEmpty()) {
      throw new IOException("no schedstat in " + threads + ": the kernel has no CONFIG_SCHED_INFO");
    }
    return new ProcessorTime(Map.copyOf(nanos));
  }

  /**
   * {@return nanoseconds that threads whose name begins so have used since then} What one used that
   * has ended meanwhile is not in it.
   */
  public long since(ProcessorTime earlier, String prefix) {
    return nanos.entrySet().stream()
        .filter(task -> task.getKey().name().startsWith(prefix))
        .mapToLong(task -> task.getValue() - earlier.nanos.getOrDefault(task.getKey(), 0L))
        .sum();
  }
}
