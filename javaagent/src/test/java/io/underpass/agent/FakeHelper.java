/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.agent;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.underpass.testing.Gcc;
import io.underpass.testing.LeastPrivilege;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;

/** A helper that means harm: {@code src/test/c/fake_helper.c}, as an ordinary user. */
final class FakeHelper implements AutoCloseable {
  private static Path program;

  private final Process process;
  private final BufferedReader out;

  /**
   * Starts one.
   *
   * @param socket in a folder of that user's
   * @param replies how many requests it answers as a helper does
   * @param mode what it does then
   */
  FakeHelper(int uid, Path socket, int replies, String mode) throws Exception {
    List<String> command = new ArrayList<>(LeastPrivilege.stranger(uid));
    command.addAll(
        List.of(program().toString(), socket.toString(), Integer.toString(replies), mode));
    process = new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
    out = process.inputReader(StandardCharsets.US_ASCII);
    assertEquals("ready", out.readLine());
  }

  /** Makes a folder for its socket, which the user owns and all others may enter. */
  static Path folder(Path folder, int uid) throws IOException {
    Files.createDirectory(folder);
    Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwxr-xr-x"));
    Files.setAttribute(folder, "unix:uid", uid);
    return folder;
  }

  /** Ends it; what it was asked until then. */
  List<String> end() throws InterruptedException {
    process.toHandle().destroyForcibly(); // Process.destroy would close its streams
    List<String> requests = out.lines().toList();
    process.waitFor();
    return requests;
  }

  @Override
  public void close() {
    process.destroyForcibly();
  }

  private static synchronized Path program() throws Exception {
    if (program == null) {
      program = Gcc.compile("javaagent/src/test/c/fake_helper.c", Child.FOLDER);
    }
    return program;
  }
}
