/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.samples.process;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;

/**
 * A process that this one started and will end. Its standard output is read as lines, answers
 * mostly; what it says on standard error is passed on with its name in front.
 */
public final class Child implements AutoCloseable {

  /** Longer than any round that is asked for, so that only a hung child meets it. */
  public static final Duration PATIENCE = Duration.ofMinutes(2);

  /**
   * How long a child may take to put its things in order after SIGTERM; the helper takes flows back
   * to TCP.
   */
  private static final Duration FAREWELL = Duration.ofSeconds(10);

  /** Stands in the queue of lines for the end of the child's output. */
  private static final String END = new String("end of output");

  private final String name;
  private final Process process;
  private final Writer requests;
  private final BlockingQueue<String> lines = new LinkedBlockingQueue<>();

  /** Which lines of its standard error are shown. */
  private final Predicate<String> shown;

  private Child(String name, Process process, Predicate<String> shown) {
    this.name = name;
    this.shown = shown;
    this.process = process;
    this.requests = process.outputWriter(StandardCharsets.UTF_8);
  }

  /** Starts {@code command}; {@code name} stands in messages about it. */
  public static Child start(String name, List<String> command) {
    return start(name, command, line -> true);
  }

  /** The same, and shows only those lines of its standard error that {@code shown} says. */
  static Child start(String name, List<String> command, Predicate<String> shown) {
    try {
      Child child = new Child(name, new ProcessBuilder(command).start(), shown);
      Thread.ofPlatform().daemon().name(name + "-out").start(child::readOutput);
      Thread.ofPlatform().daemon().name(name + "-err").start(child::passOnErrors);
      return child;
    } catch (IOException e) {
      throw new ChildException(name + " does not start: " + e.getMessage(), e);
    }
  }

  public String name() {
    return name;
  }

  public long pid() {
    return process.pid();
  }

  /** Processor time used so far, user and system, of this process alone (proc(5), stat). */
  public Duration cpuTime() {
    return process.info().totalCpuDuration().orElse(Duration.ZERO);
  }

  /** Resident set in kilobytes (proc(5), status: VmRSS), if the process is there. */
  public Optional<Long> residentKilobytes() {
    try {
      return Files.readAllLines(Path.of("/proc", Long.toString(pid()), "status")).stream()
          .filter(line -> line.startsWith("VmRSS:"))
          .map(line -> Long.valueOf(line.replaceAll("\\D", "")))
          .findFirst();
    } catch (IOException e) {
      return Optional.empty();
    }
  }

  /** Sends one request and waits for its answer, see {@link Dialogue}. */
  public JsonNode ask(Object request) {
    try {
      JsonNode answer = Dialogue.JSON.readTree(exchange(Dialogue.JSON.writeValueAsString(request)));
      if (answer.has(Dialogue.ERROR)) {
        throw new ChildException(name + ": " + answer.get(Dialogue.ERROR).asText());
      }
      return answer;
    } catch (JsonProcessingException e) {
      throw new ChildException(name + " does not speak JSON: " + e.getMessage(), e);
    }
  }

  /** Sends one line and waits for the one that answers it. */
  public String exchange(String request) {
    try {
      requests.write(request);
      requests.write('\n');
      requests.flush();
    } catch (IOException e) {
      throw new ChildException(name + " cannot be asked: it " + ending(), e);
    }
    return line(PATIENCE);
  }

  /**
   * {@return the next line of standard output} Fails where the child ends or is silent for {@code
   * patience}.
   */
  public String line(Duration patience) {
    try {
      String line = lines.poll(patience.toMillis(), TimeUnit.MILLISECONDS);
      if (line == null) {
        throw new ChildException(name + " is silent for " + patience.toSeconds() + " seconds");
      }
      if (isEnd(line)) {
        throw new ChildException(name + " " + ending());
      }
      return line;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new ChildException("interrupted while waiting for " + name, e);
    }
  }

  /**
   * {@return the lines of standard output that nobody has read yet, of a child that ends by itself}
   * Fails where it ends with another exit code than 0.
   */
  public List<String> rest(Duration patience) {
    List<String> rest = new ArrayList<>();
    try {
      String line = lines.poll(patience.toMillis(), TimeUnit.MILLISECONDS);
      while (line != null && !isEnd(line)) {
        rest.add(line);
        line = lines.poll(patience.toMillis(), TimeUnit.MILLISECONDS);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new ChildException("interrupted while waiting for " + name, e);
    }
    int status = await(patience);
    if (status != 0) {
      throw new ChildException(name + " ended with exit code " + status);
    }
    return rest;
  }

  /** Waits for the child to end by itself, and returns its exit code. */
  public int await(Duration patience) {
    try {
      if (!process.waitFor(patience)) {
        throw new ChildException(name + " does not end");
      }
      return process.exitValue();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new ChildException("interrupted while waiting for " + name, e);
    }
  }

  /** Ends the process and those that it started: asked first, by force where that does not help. */
  @Override
  public void close() {
    List<ProcessHandle> descendants = process.descendants().toList();
    process.destroy();
    try {
      if (!process.waitFor(FAREWELL)) {
        process.destroyForcibly().waitFor();
      }
    } catch (InterruptedException e) {
      process.destroyForcibly();
      Thread.currentThread().interrupt();
    }
    descendants.forEach(ProcessHandle::destroyForcibly);
  }

  private String ending() {
    try {
      return process.waitFor(FAREWELL)
          ? "ended with exit code " + process.exitValue()
          : "closed its output";
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return "closed its output";
    }
  }

  @SuppressWarnings("ReferenceEquality") // the mark is that very object, whatever a child may print
  private static boolean isEnd(String line) {
    return line == END;
  }

  private void readOutput() {
    try (BufferedReader reader = reader(process.getInputStream())) {
      reader.lines().forEach(lines::add);
    } catch (IOException | UncheckedIOException e) {
      // The child was ended while its output was read; END says so to whoever waits.
    }
    lines.add(END);
  }

  private void passOnErrors() {
    try (BufferedReader reader = reader(process.getErrorStream())) {
      reader.lines().filter(shown).forEach(line -> System.err.println("[" + name + "] " + line));
    } catch (IOException | UncheckedIOException e) {
      // As above.
    }
  }

  private static BufferedReader reader(InputStream stream) {
    return new BufferedReader(new InputStreamReader(stream, StandardCharsets.UTF_8));
  }
}
