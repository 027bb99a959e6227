/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.testing;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** A process without any privilege that means harm: {@code hostile.c} says what it can do. */
public final class Hostile implements AutoCloseable {
  private static final String SOURCE = "hostile.c";

  /** Whoever does not end by itself has hung. */
  private static final long PATIENCE_SECONDS = 60;

  private final Process process;

  private Hostile(Process process) {
    this.process = process;
  }

  /**
   * Compiles the program.
   *
   * @param folder which everybody may read
   */
  public static Path compile(Path folder) throws IOException, InterruptedException {
    Path source = folder.resolve(SOURCE);
    try (InputStream in = Hostile.class.getResourceAsStream(SOURCE)) {
      Files.write(source, in.readAllBytes());
    }
    return Gcc.compile(source, folder);
  }

  /** Starts it as this uid, without capabilities. */
  public static Hostile start(int uid, Path program, Object... arguments) throws IOException {
    return start(uid, "-all", program, arguments);
  }

  /**
   * Starts it as this uid.
   *
   * @param capabilities what is left of them, for setpriv(1): {@code -all,+net_admin}; null: all
   */
  public static Hostile start(int uid, String capabilities, Path program, Object... arguments)
      throws IOException {
    List<String> command =
        new ArrayList<>(List.of("setpriv", "--reuid=" + uid, "--regid=" + uid, "--clear-groups"));
    if (capabilities != null) {
      command.addAll(List.of("--inh-caps=" + capabilities, "--bounding-set=" + capabilities));
    }
    command.add(program.toString());
    for (Object argument : arguments) {
      command.add(argument.toString());
    }
    return new Hostile(
        new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start());
  }

  /** The next line that it prints. */
  public String line() throws IOException {
    return process.inputReader(StandardCharsets.UTF_8).readLine();
  }

  /** Lets it end; the last line that it prints. */
  public String finish() throws IOException {
    process.outputWriter().close();
    return line();
  }

  @Override
  public void close() {
    process.descendants().forEach(ProcessHandle::destroyForcibly);
    process.destroyForcibly();
    try {
      if (!process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
        throw new AssertionError("it does not end");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
