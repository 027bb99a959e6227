/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.samples.bench;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.ToDoubleFunction;

/** The samples of one side, in the order of the rounds. Used by one thread. */
final class Series {

  private final List<Sample> samples = new ArrayList<>();
  private Carried redirected = Carried.NOTHING;

  void add(Sample sample) {
    samples.add(sample);
  }

  void addRedirected(Carried bytes) {
    redirected = redirected.plus(bytes);
  }

  Carried redirected() {
    return redirected;
  }

  int size() {
    return samples.size();
  }

  double value(int round) {
    return samples.get(round).value();
  }

  double median() {
    return median(Sample::value);
  }

  double medianP99() {
    return median(Sample::p99);
  }

  /** Which part of the payload went past the TCP/IP stack, 0 to 1; NaN where there was none. */
  double redirectedShare() {
    long payload = samples.stream().mapToLong(Sample::payload).sum();
    return payload == 0 ? Double.NaN : share(redirected.total(), 1);
  }

  /** Which part {@code bytes} is of {@code part} of the payload, 0 to 1. */
  double share(long bytes, double part) {
    double payload = part * samples.stream().mapToLong(Sample::payload).sum();
    return payload == 0 ? 0 : bytes / payload;
  }

  private double median(ToDoubleFunction<Sample> part) {
    return median(samples.stream().mapToDouble(part).toArray());
  }

  /**
   * The least of the values that so many hundredths of them do not exceed; NaN of nothing.
   *
   * @param percent 0 to 100
   */
  static double percentile(double percent, double... values) {
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    int rank = (int) Math.ceil(percent / 100 * sorted.length);
    return sorted.length == 0 ? Double.NaN : sorted[Math.max(rank, 1) - 1];
  }

  /** The middle value, or the mean of the two middle ones; NaN of nothing. */
  static double median(double... values) {
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    int middle = sorted.length / 2;
    if (sorted.length == 0) {
      return Double.NaN;
    }
    return sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  }
}
