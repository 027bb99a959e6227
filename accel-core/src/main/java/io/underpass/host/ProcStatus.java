/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.host;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** What proc_pid_status(5) says of a process, or of one of its threads. */
public final class ProcStatus {
  private final Map<String, String> fields = new HashMap<>();

  private ProcStatus(List<String> lines) {
    for (String line : lines) {
      int colon = line.indexOf(':');
      if (colon > 0) {
        fields.put(line.substring(0, colon), line.substring(colon + 1).strip());
      }
    }
  }

  static ProcStatus parse(List<String> lines) {
    return new ProcStatus(lines);
  }

  /**
   * Of a process that there is.
   *
   * @param folder {@code /proc/<pid>}, or that of a thread below it
   */
  public static ProcStatus read(Path folder) throws IOException {
    return parse(Files.readAllLines(folder.resolve("status")));
  }

  /** In this process's user namespace. */
  public int effectiveUid() throws IOException {
    return Integer.parseUnsignedInt(field("Uid").split("\\s+", -1)[1]); // real, effective, ...
  }

  /**
   * A set of capabilities, a bit each.
   *
   * @param name {@code CapEff}, say
   */
  public long capabilities(String name) throws IOException {
    return Long.parseUnsignedLong(field(name), 16);
  }

  boolean noNewPrivileges() throws IOException {
    return field("NoNewPrivs").equals("1");
  }

  private String field(String name) throws IOException {
    String value = fields.get(name);
    if (value == null) {
      throw new IOException("not a status file");
    }
    return value;
  }
}
