/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.samples.bench;

/**
 * How much is measured.
 *
 * @param pairs rounds of each side, over all forks
 * @param forks how often fresh JVMs are started: what one JVM's compiler happens to do is not taken
 *     for the truth
 * @param roundMillis length of a round
 * @param warmUpMillis length of the round that is not counted, before the first of a row
 * @param accelerate false leaves the agent and the helper out, so that both sides are plain; needs
 *     no root
 * @param most how many times {@code pairs} a row may get while its control is noisy; 1: never more
 */
record Plan(
    int pairs, int forks, long roundMillis, long warmUpMillis, boolean accelerate, int most) {

  /** A control farther from 1 than this is noisy. */
  static final double QUIET = 0.02;

  private static final int TWICE = 2;

  /** With up to twice the pairs where it is noisy. */
  Plan(int pairs, int forks, long roundMillis, long warmUpMillis, boolean accelerate) {
    this(pairs, forks, roundMillis, warmUpMillis, accelerate, TWICE);
  }

  /**
   * Rounds of each side in fork {@code fork} (from 0): the pairs shared out as evenly as can be.
   */
  int roundsIn(int fork) {
    return pairs * (fork + 1) / forks - pairs * fork / forks;
  }
}
