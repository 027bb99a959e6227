/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.agent.report;

/** Standard error. */
public final class Console {
  private Console() {}

  /** Prints one line that says whose it is. */
  public static void say(String line) {
    System.err.println("underpass: " + line);
  }
}
