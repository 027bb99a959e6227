/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.samples.bench;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Map;

/**
 * Many connections between two JVMs, all open at once, each used in its turn.
 *
 * @param flows how many
 */
record ManySide(JvmPair pair, int flows) implements Side {

  /** Of a message, and of its answer, in bytes. */
  static final int SIZE = 1024;

  /** Messages on each before the first round: enough of them to count as long-lived. */
  private static final int LAPS = 20;

  @Override
  public String label() {
    return pair.label();
  }

  @Override
  public void begin() {
    pair.join(Transport.SELECTOR, "flows", SIZE, SIZE, 0);
    pair.client().ask(Map.of("verb", "openFlows", "count", flows, "laps", LAPS));
  }

  /** The mean time of an exchange. */
  @Override
  public Sample measure(long millis) {
    JsonNode answer = pair.client().ask(Map.of("verb", "useFlows", "millis", millis));
    long count = answer.get("count").asLong();
    return new Sample(answer.get("nanos").asLong() / 1000.0 / count, Double.NaN, 2L * SIZE * count);
  }

  @Override
  public void end() {
    pair.client().ask(Map.of("verb", "closeFlows"));
  }

  @Override
  public Carried redirected() {
    return pair.redirected();
  }
}
