/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.host;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;

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
public record HeldPrivileges(int uid, long effective, long any, boolean noNewPrivileges) {
  private static final List<String> SETS = List.of("CapInh", "CapPrm", "CapBnd", "CapAmb");

  static HeldPrivileges ofSelf() throws IOException {
    return of("self");
  }

  /**
   * What all threads of a process have.
   *
   * @param process its pid
   */
  public static HeldPrivileges of(String process) throws IOException {
    HeldPrivileges all = null;
    Path threads = Path.of("/proc", process, "task");
    try (DirectoryStream<Path> each = Files.newDirectoryStream(threads)) {
      for (Path thread : each) {
        try {
          HeldPrivileges one = of(ProcStatus.read(thread));
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
  static HeldPrivileges of(ProcStatus status) throws IOException {
    long any = 0;
    for (String set : SETS) {
      any |= status.capabilities(set);
    }
    return new HeldPrivileges(
        status.effectiveUid(), status.capabilities("CapEff"), any, status.noNewPrivileges());
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
      return ProcStatus.read(Path.of("/proc/self")).effectiveUid();
    } catch (IOException e) {
      throw new UncheckedIOException(e); // without /proc nothing of the helper works
    }
  }
}
