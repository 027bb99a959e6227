/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.samples.bench;

/**
 * What became of one connection more.
 *
 * @param firstAnswer microseconds from before it connected to its first answer
 * @param redirect microseconds from when it was connected to its first redirected message; NaN
 *     where there was none
 * @param before how many messages went before that one in its direction
 * @param wentBack whether the sending direction changed between TCP and redirect again, so that
 *     {@code redirect} may be too late
 */
record Arrival(double firstAnswer, double redirect, int before, boolean wentBack) {

  /** Of one that was not redirected. */
  static Arrival plain(double firstAnswer) {
    return new Arrival(firstAnswer, Double.NaN, 0, false);
  }

  boolean redirected() {
    return !Double.isNaN(redirect);
  }
}
