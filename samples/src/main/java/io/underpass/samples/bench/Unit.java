/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.samples.bench;

import com.fasterxml.jackson.annotation.JsonValue;

/** What a suite counts in, and which way is better. */
enum Unit {
  NANOS("ns", true),
  MICROS("us", true),
  MILLIS("ms", true),
  MEGABYTES("MB", true),
  MEGABYTES_PER_SECOND("MB/s", false),
  CONNECTIONS_PER_SECOND("connections/s", false);

  private final String symbol;
  private final boolean lessIsBetter;

  Unit(String symbol, boolean lessIsBetter) {
    this.symbol = symbol;
    this.lessIsBetter = lessIsBetter;
  }

  @JsonValue
  String symbol() {
    return symbol;
  }

  /** {@return how many times better {@code value} is than {@code base}} Above 1 is better. */
  double ratio(double base, double value) {
    return lessIsBetter ? base / value : value / base;
  }
}
