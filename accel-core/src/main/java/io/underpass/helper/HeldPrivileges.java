package io.underpass.helper;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * What a process may do, by proc_pid_status(5) of all its threads: each has capabilities of its
 * own.
 *
 * @param uid the effective one
 * @param effective what every thread has
 * @param any what some thread has, or could come to have by executing a program: permitted,
 *     inheritable, ambient and bounding set
 * @param noNewPrivileges whether no thread can come to have more
 */
record HeldPrivileges(int uid, long effective, long any, boolean noNewPrivileges) {
  private static final List<String> SETS = List.of("CapInh", "CapPrm", "CapBnd", "CapAmb");
  private static final List<String> FIELDS =
      List.of("Uid", "CapEff", "CapInh", "CapPrm", "CapBnd", "CapAmb", "NoNewPrivs");

  static HeldPrivileges ofSelf() throws IOException {
    return of("self");
  }

  /**
   * @param process its pid
   */
  static HeldPrivileges of(String process) throws IOException {
    HeldPrivileges all = null;
    Path threads = Path.of("/proc", process, "task");
    try (DirectoryStream<Path> each = Files.newDirectoryStream(threads)) {
      for (Path thread : each) {
        try {
          HeldPrivileges one = parse(Files.readAllLines(thread.resolve("status")));
          all = all == null ? one : all.and(one);
        } catch (IOException e) {
          if (Files.exists(thread)) {
            throw e;
          } // else it has ended meanwhile
        }
      }
    }
    if (all == null) {
      throw new NoSuchFileException(threads.toString());
    }
    return all;
  }

  /** Of one thread. */
  static HeldPrivileges parse(List<String> status) throws IOException {
    Map<String, String> fields = new HashMap<>();
    for (String line : status) {
      int colon = line.indexOf(':');
      if (colon > 0) {
        fields.put(line.substring(0, colon), line.substring(colon + 1).strip());
      }
    }
    if (!fields.keySet().containsAll(FIELDS)) {
      throw new IOException("not a status file");
    }
    long any = 0;
    for (String set : SETS) {
      any |= Long.parseUnsignedLong(fields.get(set), 16);
    }
    return new HeldPrivileges(
        Integer.parseUnsignedInt(fields.get("Uid").split("\\s+", -1)[1]), // real, effective, ...
        Long.parseUnsignedLong(fields.get("CapEff"), 16),
        any,
        fields.get("NoNewPrivs").equals("1"));
  }

  private HeldPrivileges and(HeldPrivileges other) {
    return new HeldPrivileges(
        uid,
        effective & other.effective,
        any | other.any,
        noNewPrivileges && other.noNewPrivileges);
  }

  /** The user that this process acts as. */
  static int ownUid() {
    try {
      return parse(Files.readAllLines(Path.of("/proc/self/status"))).uid;
    } catch (IOException e) {
      throw new UncheckedIOException(e); // without /proc nothing of the helper works
    }
  }
}
