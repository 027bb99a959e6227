/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.samples.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Which processors the two ends of a pair run on, with all their threads.
 *
 * @param name as it stands in the rows
 */
record Pinning(String name, String clientCpu, String serverCpu) {

  /** On how many processors the two ends are. */
  int cores() {
    return clientCpu.equals(serverCpu) ? 1 : 2;
  }

  /** Both ends on one processor, and, where this process may use two, each end on its own. */
  static List<Pinning> available() throws IOException {
    String allowed =
        Files.readAllLines(Path.of("/proc/self/status")).stream()
            .filter(line -> line.startsWith("Cpus_allowed_list:"))
            .findFirst()
            .orElseThrow()
            .replaceFirst("[^:]*:\\s*", "");
    List<String> cpus = firstTwo(allowed);
    Pinning one = new Pinning("one core", cpus.getFirst(), cpus.getFirst());
    return cpus.size() == 1
        ? List.of(one)
        : List.of(one, new Pinning("two cores", cpus.getFirst(), cpus.get(1)));
  }

  /** The first two processors of a list as the kernel writes it: {@code 0-3,8}. */
  static List<String> firstTwo(String list) {
    List<String> cpus = new ArrayList<>();
    for (String range : list.split(",", -1)) {
      String[] bounds = range.split("-", -1);
      int last = Integer.parseInt(bounds[bounds.length - 1]);
      for (int cpu = Integer.parseInt(bounds[0]); cpu <= last && cpus.size() < 2; cpu++) {
        cpus.add(Integer.toString(cpu));
      }
    }
    return cpus;
  }
}
