/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.bpf;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.underpass.bpf.behaviour.Steering;
import java.io.BufferedReader;
import java.io.Writer;
import java.util.ArrayList;
import java.util.List;

/** A process that asks the test over its standard streams ({@link Steering}). */
final class Dialogue {
  /** What is to be done for a request. */
  @FunctionalInterface
  interface Answer {
    String to(String request) throws Exception;
  }

  private Dialogue() {}

  /**
   * Answers it until it ends, as it should.
   *
   * @return what it printed beside its requests
   */
  static List<String> with(Process process, Answer answer) throws Exception {
    try (BufferedReader out = process.inputReader();
        Writer in = process.outputWriter()) {
      List<String> lines = new ArrayList<>();
      for (String line; (line = out.readLine()) != null; ) {
        if (line.startsWith(Steering.MARK)) {
          in.write(answer.to(line.substring(Steering.MARK.length())) + "\n");
          in.flush();
        } else {
          lines.add(line);
        }
      }
      String last = lines.isEmpty() ? "the start" : lines.getLast();
      assertEquals(0, process.waitFor(), () -> "it ended after " + last);
      return lines;
    } finally {
      process.destroyForcibly().waitFor();
    }
  }
}
