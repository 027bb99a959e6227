/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.agent.child;

/** Says one word, and exits with the code that it is given. */
public final class Hello {
  private Hello() {}

  /** The exit code. */
  public static void main(String[] args) {
    System.out.println("hello");
    System.exit(Integer.parseInt(args[0]));
  }
}
