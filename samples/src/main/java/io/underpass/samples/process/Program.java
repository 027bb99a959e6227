/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.samples.process;

import picocli.CommandLine;

/** A program of this module, as it is called from the command line. */
public final class Program {

  private Program() {}

  /**
   * Its command line: what a child did not do is one line on standard error and status 1, anything
   * else that is thrown is a bug, and shown as such.
   *
   * @param name what the line begins with
   */
  public static CommandLine of(String name, Object command) {
    return new CommandLine(command)
        .setExecutionExceptionHandler(
            (failure, line, parsed) -> {
              if (!(failure instanceof ChildException)) {
                throw failure;
              }
              System.err.println(name + ": " + failure.getMessage());
              return 1;
            });
  }
}
