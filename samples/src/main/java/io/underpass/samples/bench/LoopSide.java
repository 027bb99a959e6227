/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.samples.bench;

import io.underpass.samples.process.Child;

/**
 * A loop of system calls in a process that is no JVM; the process is shared, and stays.
 *
 * @param loop which one
 * @param leadInMillis of each round, before what is counted
 */
record LoopSide(Child program, String loop, long leadInMillis) implements Side {

  private static final double PICOS_PER_MICRO = 1e6;

  @Override
  public String label() {
    return program.name();
  }

  @Override
  public void begin() {}

  @Override
  public Sample measure(long millis) {
    turn(leadInMillis);
    return new Sample(turn(millis), Double.NaN, 0);
  }

  /** {@return microseconds a turn} */
  private double turn(long millis) {
    String answer = program.exchange(loop + " " + millis);
    return Long.parseLong(answer.substring(0, answer.indexOf(' '))) / PICOS_PER_MICRO;
  }

  @Override
  public void end() {}
}
