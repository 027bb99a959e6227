/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.samples.bench;

import io.underpass.samples.process.Child;
import io.underpass.samples.process.Workspace;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/** The floor: two processes in C that wake each other, and carry nothing. */
record EventfdSide(Child program) implements Side, AutoCloseable {

  static final String LABEL = "eventfd";

  /** Compiles the program; empty where that is not possible, and says why on standard error. */
  static Optional<Path> compile(Workspace workspace) {
    return CProgram.compile(workspace, "eventfd_pingpong");
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
