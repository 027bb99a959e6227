/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.testing;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.underpass.ffm.KernelObjects;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;

/** The helper as people run it: {@code bin/underpass helper}, in a process that can be killed. */
public final class HelperProcess implements AutoCloseable {
  /** How long the kernel may take to free what nobody holds any more. */
  private static final Duration PATIENCE = Duration.ofSeconds(20);

  /** What helpers have had in the kernel, by the folder of their pins. */
  private static final Map<Path, KernelObjects> OBJECTS = new ConcurrentHashMap<>();

  private final Process process;
  private final Path pins;

  public HelperProcess(Path socket, Path pins) throws IOException {
    this(start(socket, pins), pins);
  }

  /** With a policy. */
  public HelperProcess(Path socket, Path pins, Path policy) throws IOException {
    this(start(socket, pins, "--policy", policy.toString()), pins);
  }

  private static Process start(Path socket, Path pins, String... more) throws IOException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("underpass.root", "."), "bin/underpass").toString());
    command.addAll(List.of("helper", "--socket", socket.toString(), "--pin-dir", pins.toString()));
    command.addAll(List.of(more));
    return new ProcessBuilder(command).redirectErrorStream(true).start();
  }

  /**
   * @param process a helper that says when it is ready as the command line does
   * @param pins the folder that it pins in
   */
  public HelperProcess(Process process, Path pins) throws IOException {
    this.process = process;
    this.pins = pins;
    BufferedReader out = process.inputReader();
    String line;
    while ((line = out.readLine()) != null) {
      if (line.startsWith("underpass: helper ready on ")) {
        objects(pins).look(pins);
        return;
      }
    }
    throw new IOException("the helper did not start");
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

  /** SIGKILL: it gets no chance to do anything. What it has attached stays, without it. */
  public void kill() throws IOException {
    objects(pins).look(pins);
    process.destroyForcibly();
    end();
  }

  /** SIGTERM: everything goes back to TCP and away. */
  public void stop() {
    process.destroy();
    end();
  }

  /** The same; what it prints from then on, on both streams. */
  public List<String> stopAndListen() {
    process.toHandle().destroy(); // Process.destroy() would close its streams
    List<String> lines = process.inputReader().lines().toList();
    end();
    return lines;
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

  /** What the kernel has of the helpers with these pins: maps, programs, and where they attach. */
  public static List<String> objectsLeft(Path pins) throws IOException {
    return objects(pins).left();
  }

  /**
   * Neither pins nor anything else. The kernel frees what a program holds, or a socket that was
   * enrolled, a moment after the last of them has let go.
   */
  public static void assertNothingLeft(Path pins) throws IOException, InterruptedException {
    assertFalse(left(pins), "pins are left");
    long end = System.nanoTime() + PATIENCE.toNanos();
    for (List<String> left = objectsLeft(pins); !left.isEmpty(); left = objectsLeft(pins)) {
      assertTrue(System.nanoTime() < end, left::toString);
      Thread.sleep(5);
    }
  }

  private static KernelObjects objects(Path pins) {
    return OBJECTS.computeIfAbsent(pins, _ -> new KernelObjects());
  }

  @Override
  public void close() {
    if (process.isAlive()) {
      stop();
    }
  }
}
