package io.underpass.samples.bench;

import io.underpass.samples.process.Child;
import io.underpass.samples.process.ChildException;
import io.underpass.samples.process.Project;
import io.underpass.samples.process.Workspace;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/** The floor: two processes in C that wake each other, and carry nothing. */
record EventfdSide(Child program) implements Side, AutoCloseable {

  static final String LABEL = "eventfd";

  private static final Path SOURCE = Path.of("samples/src/main/c/eventfd_pingpong.c");
  private static final Duration COMPILING = Duration.ofSeconds(30);

  /** Compiles the program; empty where that is not possible, and says why on standard error. */
  static Optional<Path> compile(Workspace workspace) {
    Path source = Project.root().resolve(SOURCE);
    Path program = workspace.folder().resolve("eventfd_pingpong");
    if (Files.exists(program)) {
      return Optional.of(program);
    }
    List<String> words = List.of("gcc", "-O2", "-o", program.toString(), source.toString());
    try (Child gcc = Child.start("gcc", words)) {
      if (gcc.await(COMPILING) == 0) {
        return Optional.of(program);
      }
      System.err.println("bench: no eventfd reference: gcc fails");
    } catch (ChildException e) {
      System.err.println("bench: no eventfd reference: " + e.getMessage());
    }
    return Optional.empty();
  }

  static EventfdSide start(Workspace workspace, Path program, Pinning pinning) {
    return new EventfdSide(
        workspace.start(
            LABEL, List.of(program.toString(), pinning.clientCpu(), pinning.serverCpu())));
  }

  @Override
  public String label() {
    return LABEL;
  }

  @Override
  public void begin() {}

  @Override
  public Sample measure(long millis) {
    // Median, 99th percentile and count.
    String[] answer = program.exchange(Long.toString(millis)).split(" ", -1);
    return new Sample(Long.parseLong(answer[0]) / 1000.0, Long.parseLong(answer[1]) / 1000.0, 0);
  }

  @Override
  public void end() {}

  @Override
  public void close() {
    program.close();
  }
}
