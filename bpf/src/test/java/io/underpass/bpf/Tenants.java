/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.bpf;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;

/** Processes of other users. */
final class Tenants {
  static final int ONE = 2001;
  static final int OTHER = 2002;

  private Tenants() {}

  /**
   * Runs a JVM as this user, which may read the classes that the build has in its user's folders:
   * by an ambient capability, which is a right of whoever started it.
   */
  static List<String> readerAs(int uid) {
    List<String> command =
        new ArrayList<>(List.of("setpriv", "--reuid=" + uid, "--regid=" + uid, "--clear-groups"));
    command.addAll(List.of("--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"));
    return command;
  }

  /** A policy that admits root and both of them, and says this besides. */
  static Path policy(Path folder, String... lines) throws IOException {
    Path file = folder.resolve("policy");
    List<String> all = new ArrayList<>(List.of("allow uid 0", "allow uid " + ONE));
    all.add("allow uid " + OTHER);
    all.addAll(List.of(lines));
    return Files.write(file, all);
  }

  /** A folder whose contents everybody may reach, with a helper's socket, say. */
  static Path newFolder() throws IOException {
    Path folder = Files.createTempDirectory("underpass-test");
    Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwx--x--x"));
    return folder;
  }
}
