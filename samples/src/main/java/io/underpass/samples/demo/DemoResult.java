/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.samples.demo;

import org.HdrHistogram.Histogram;

/**
 * What {@code target/demo/result.json} holds.
 *
 * @param requests of both pairs, in the rounds after the warm-up
 * @param mismatches of both pairs, those of the warm-up among them
 * @param retries of both pairs, likewise: requests whose connection the client had closed itself
 * @param flowsAccelerated connections of the client that were accelerated
 * @param bytesRedirected sent by the client or the server past the TCP/IP stack
 * @param ratio plain median over accelerated median: above 1 is faster
 */
record DemoResult(
    long requests,
    long mismatches,
    long retries,
    long flowsAccelerated,
    long bytesRedirected,
    double medianPlainMicros,
    double medianAcceleratedMicros,
    double ratio,
    double p99PlainMicros,
    double p99AcceleratedMicros,
    double requestsPerSecondPlain,
    double requestsPerSecondAccelerated,
    double cpuMicrosPerRequestPlain,
    double cpuMicrosPerRequestAccelerated) {

  static DemoResult of(Pair plain, Pair accelerated, JmxView client, JmxView server) {
    Histogram before = plain.rounds().all();
    Histogram after = accelerated.rounds().all();
    return new DemoResult(
        plain.rounds().requests() + accelerated.rounds().requests(),
        plain.rounds().mismatches() + accelerated.rounds().mismatches(),
        plain.rounds().retries() + accelerated.rounds().retries(),
        client.count("ConnectionsAccelerated"),
        client.count("BytesRedirected") + server.count("BytesRedirected"),
        micros(before, 50),
        micros(after, 50),
        (double) before.getValueAtPercentile(50) / after.getValueAtPercentile(50),
        micros(before, 99),
        micros(after, 99),
        plain.rounds().requestsPerSecond(),
        accelerated.rounds().requestsPerSecond(),
        cpuMicros(plain),
        cpuMicros(accelerated));
  }

  static double micros(Histogram nanos, double percentile) {
    return nanos.getValueAtPercentile(percentile) / 1000.0;
  }

  static double cpuMicros(Pair pair) {
    return pair.cpuTime().toNanos() / 1000.0 / pair.rounds().requests();
  }
}
