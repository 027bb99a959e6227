/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.samples.bench;

/**
 * What one side came to in one round.
 *
 * @param value in the suite's unit
 * @param p99 the 99th percentile in the same unit, or NaN where the value is no percentile
 * @param payload bytes that the application sent, in both directions together
 */
record Sample(double value, double p99, long payload) {}
