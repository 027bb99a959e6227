package io.underpass.helper;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** Asks the kernel whether this process may do what the helper does. */
final class Privileges {
  /** Bits of capabilities(7), and what each is for. */
  private static final Map<Integer, String> NEEDED =
      new TreeMap<>(
          Map.of(
              2, "CAP_DAC_READ_SEARCH", // cgroups by their ids
              12, "CAP_NET_ADMIN", // socket programs and sockmaps
              19, "CAP_SYS_PTRACE", // network namespaces of other users' processes
              21, "CAP_SYS_ADMIN", // entering those; mounting bpffs
              38, "CAP_PERFMON", // iterators and CO-RE reads
              39, "CAP_BPF"));

  private Privileges() {}

  static void check() throws HelperException {
    try {
      check(Files.readAllLines(Path.of("/proc/self/status")));
    } catch (HelperException e) {
      throw e;
    } catch (IOException e) {
      throw new HelperException("cannot read /proc/self/status: " + e, "mount /proc", e);
    }
  }

  /** Takes the lines of proc_pid_status(5). */
  static void check(List<String> status) throws HelperException {
    long effective = 0;
    for (String line : status) {
      if (line.startsWith("CapEff:")) {
        effective = Long.parseUnsignedLong(line.substring(7).strip(), 16);
      }
    }
    long held = effective;
    List<String> missing =
        NEEDED.entrySet().stream()
            .filter(c -> (held >>> c.getKey() & 1) == 0)
            .map(Map.Entry::getValue)
            .toList();
    if (!missing.isEmpty()) {
      throw new HelperException(
          "the privilege is missing (" + String.join(", ", missing) + ")",
          "run it as root: sudo bin/underpass helper");
    }
  }
}
