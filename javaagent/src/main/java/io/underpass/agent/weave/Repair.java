/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.agent.weave;

/**
 * What a hook repairs of an accelerated socket. A JVM whose JDK has no place for one of these is
 * not accelerated.
 */
enum Repair {
  /** Which connections there are: each of the others has to know that of its socket. */
  CONNECTIONS("the table of connections"),
  /** {@code available()} counts what was redirected. */
  AVAILABLE("available()"),
  /** Urgent data goes by TCP. */
  URGENT("urgent data"),
  /** A close with unread bytes is a reset. */
  CLOSE("close"),
  /** A reset is told to a read. */
  RESET("a reset told to a read"),
  /** A reset is told to a write once. */
  FAILED_WRITE("a failed write");

  private final String text;

  Repair(String text) {
    this.text = text;
  }

  /** For people. */
  @Override
  public String toString() {
    return text;
  }
}
