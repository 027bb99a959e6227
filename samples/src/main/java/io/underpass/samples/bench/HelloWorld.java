/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.samples.bench;

/** The smallest program: its run is the start of a JVM. */
public final class HelloWorld {

  private HelloWorld() {}

  /** Says hello. */
  public static void main(String[] args) {
    System.out.println("hello");
  }
}
