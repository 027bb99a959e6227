package io.underpass.bpf;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;

/** The helper as people run it: {@code bin/underpass helper}, in a process that can be killed. */
public final class HelperProcess implements AutoCloseable {
  private final Process process;

  public HelperProcess(Path socket, Path pins) throws IOException {
    Path root = Path.of(System.getProperty("underpass.root", "."));
    process =
        new ProcessBuilder(
                root.resolve("bin/underpass").toString(),
                "helper",
                "--socket",
                socket.toString(),
                "--pin-dir",
                pins.toString())
            .redirectErrorStream(true)
            .start();
    BufferedReader out = process.inputReader();
    String line;
    while ((line = out.readLine()) != null) {
      if (line.startsWith("underpass: helper ready on ")) {
        return;
      }
    }
    throw new IOException("the helper did not start");
  }

  /** SIGKILL: it gets no chance to do anything. */
  public void kill() {
    process.destroyForcibly();
    end();
  }

  /** SIGTERM: everything goes back to TCP and away. */
  public void stop() {
    process.destroy();
    end();
  }

  private void end() {
    try {
      if (!process.waitFor(30, TimeUnit.SECONDS)) {
        throw new AssertionError("the helper does not stop");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AssertionError(e);
    }
  }

  public static boolean left(Path pins) {
    return Files.exists(pins);
  }

  @Override
  public void close() {
    if (process.isAlive()) {
      stop();
    }
  }
}
