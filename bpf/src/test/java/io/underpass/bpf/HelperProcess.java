package io.underpass.bpf;

import io.underpass.helper.Helper;
import io.underpass.helper.HelperConfig;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** The helper as people run it: {@code bin/underpass helper}, in a process that can be killed. */
public final class HelperProcess implements AutoCloseable {
  private final Process process;

  public HelperProcess(Path socket, Path pins) throws IOException {
    this(
        new ProcessBuilder(
                Path.of(System.getProperty("underpass.root", "."), "bin/underpass").toString(),
                "helper",
                "--socket",
                socket.toString(),
                "--pin-dir",
                pins.toString())
            .redirectErrorStream(true)
            .start());
  }

  private HelperProcess(Process process) throws IOException {
    this.process = process;
    BufferedReader out = process.inputReader();
    String line;
    while ((line = out.readLine()) != null) {
      if (line.startsWith("underpass: helper ready on ")) {
        return;
      }
    }
    throw new IOException("the helper did not start");
  }

  /** One with other programs: a knob has another value, so all of them are new to the kernel. */
  static HelperProcess upgraded(Path socket, Path pins) throws IOException {
    return new HelperProcess(
        Testbed.java(Upgraded.class, List.of(), List.of(), socket.toString(), pins.toString()));
  }

  static final class Upgraded {
    private Upgraded() {}

    public static void main(String[] args) throws Exception {
      Helper helper =
          Helper.start(
              HelperConfig.defaults()
                  .withSocket(Path.of(args[0]))
                  .withBpffs(Path.of(args[1]))
                  .withTakeEvery(true));
      Runtime.getRuntime().addShutdownHook(Thread.ofPlatform().unstarted(helper::close));
      System.out.println("underpass: helper ready on " + helper.socket());
      helper.awaitEnd();
    }
  }

  /** How a command ended, and what it printed on both streams. */
  public record Result(int exit, String out) {}

  /** {@code bin/underpass} with these arguments, to its end. */
  public static Result underpass(Object... arguments) throws IOException, InterruptedException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("underpass.root", "."), "bin/underpass").toString());
    for (Object argument : arguments) {
      command.add(argument.toString());
    }
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    return new Result(process.waitFor(), out);
  }

  /** Waits for it to end by itself; its exit code. */
  public int awaitEnd() {
    end();
    return process.exitValue();
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
