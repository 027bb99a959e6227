/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.samples.demo;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Base64;
import java.util.Map;
import java.util.TreeMap;
import java.util.zip.DataFormatException;
import org.HdrHistogram.Histogram;

/**
 * What the client did in one round, or in several added up.
 *
 * @param requests answered, whatever the answer was
 * @param mismatches answers whose status or body was not the expected one
 * @param retries requests that were sent again, see {@link DemoClient}
 * @param seconds the rounds took
 * @param histograms of the time from sending to the body's last byte, in nanoseconds, one for each
 *     kind of request; in HdrHistogram's compressed form, Base64, so that it can travel between
 *     processes
 */
record Round(
    long requests, long mismatches, long retries, double seconds, Map<String, String> histograms) {

  /** 1 ns to 1 minute, three significant digits. */
  static Histogram newHistogram() {
    return new Histogram(60_000_000_000L, 3);
  }

  static String encode(Histogram histogram) {
    ByteBuffer buffer = ByteBuffer.allocate(histogram.getNeededByteBufferCapacity());
    int length = histogram.encodeIntoCompressedByteBuffer(buffer);
    return Base64.getEncoder().encodeToString(Arrays.copyOf(buffer.array(), length));
  }

  private static Histogram decode(String encoded) {
    try {
      return Histogram.decodeFromCompressedByteBuffer(
          ByteBuffer.wrap(Base64.getDecoder().decode(encoded)), 0);
    } catch (DataFormatException e) {
      throw new IllegalArgumentException("not a histogram", e);
    }
  }

  /** The times of one kind of request; empty if there was none. */
  Histogram histogram(String kind) {
    String encoded = histograms.get(kind);
    return encoded == null ? newHistogram() : decode(encoded);
  }

  /** The times of all requests. */
  Histogram all() {
    Histogram all = newHistogram();
    histograms.values().forEach(encoded -> all.add(decode(encoded)));
    return all;
  }

  double requestsPerSecond() {
    return requests / seconds;
  }

  /** This round and another one, added up. */
  Round plus(Round other) {
    Map<String, String> sum = new TreeMap<>(histograms);
    other.histograms.forEach((kind, encoded) -> sum.merge(kind, encoded, Round::added));
    return new Round(
        requests + other.requests,
        mismatches + other.mismatches,
        retries + other.retries,
        seconds + other.seconds,
        sum);
  }

  private static String added(String one, String other) {
    Histogram sum = decode(one);
    sum.add(decode(other));
    return encode(sum);
  }

  static Round none() {
    return new Round(0, 0, 0, 0, Map.of());
  }
}
