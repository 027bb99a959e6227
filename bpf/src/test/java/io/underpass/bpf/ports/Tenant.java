/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.bpf.ports;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.underpass.testing.Gcc;
import io.underpass.testing.LeastPrivilege;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * A process of a user without any privilege that tries what a JVM does not: {@code
 * test/c/tenant.c}.
 */
final class Tenant implements AutoCloseable {
  private final Process process;
  private final BufferedReader out;

  private Tenant(List<String> prefix, Path program, Object... arguments) throws IOException {
    List<String> command = new ArrayList<>(prefix);
    command.add(program.toString());
    for (Object argument : arguments) {
      command.add(argument.toString());
    }
    process = new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
    out = process.inputReader();
  }

  /** Compiles the program, into a folder where everybody can run it. */
  static Path compile(Path folder) throws IOException, InterruptedException {
    return Gcc.compile("bpf/src/test/c/tenant.c", folder);
  }

  /** A copy that runs as root, whoever starts it. */
  static Path setuid(Path program) throws IOException, InterruptedException {
    Path copy = program.resolveSibling("tenant-setuid");
    Files.copy(program, copy);
    Files.setPosixFilePermissions(copy, PosixFilePermissions.fromString("rwxr-xr-x"));
    assertEquals(0, new ProcessBuilder("chmod", "u+s", copy.toString()).start().waitFor());
    return copy;
  }

  static Tenant start(int uid, Path program, Object... arguments) throws IOException {
    return new Tenant(LeastPrivilege.stranger(uid), program, arguments);
  }

  /**
   * In a network namespace that the user has made.
   *
   * @param batch commands for ip(8) in it
   */
  static Tenant inNamespace(int uid, Path batch, Path program, Object... arguments)
      throws IOException {
    List<String> prefix = new ArrayList<>(LeastPrivilege.stranger(uid));
    prefix.addAll(List.of("unshare", "--user", "--map-root-user", "--net", "sh", "-c"));
    prefix.addAll(List.of("ip -batch " + batch + " && exec \"$@\"", "sh"));
    return new Tenant(prefix, program, arguments);
  }

  /** What it says next. */
  String line() throws IOException {
    return out.readLine();
  }

  /** Lets it go on. */
  void go() throws IOException {
    Writer in = process.outputWriter();
    in.write("\n");
    in.flush();
  }

  @Override
  public void close() {
    kill();
  }

  /** SIGKILL. */
  void kill() {
    process.descendants().forEach(ProcessHandle::destroyForcibly);
    process.destroyForcibly();
    try {
      if (!process.waitFor(20, TimeUnit.SECONDS)) {
        throw new AssertionError("it does not end");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AssertionError(e);
    }
  }
}
