/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.samples.bench;

import com.fasterxml.jackson.databind.JsonNode;
import io.underpass.samples.process.Child;
import java.util.Map;

/**
 * One operation of a {@link PortsPeer}, time and again.
 *
 * @param port which one it is about, as the process knows it
 */
record PortsSide(String label, Child child, String operation, int port) implements Side {

  private static final double NANOS_PER_MICRO = 1000.0;

  @Override
  public void begin() {}

  @Override
  public Sample measure(long millis) {
    JsonNode answer = child.ask(Map.of("verb", operation, "millis", millis, "port", port));
    return new Sample(
        answer.get("nanos").asLong() / NANOS_PER_MICRO / answer.get("count").asLong(),
        Double.NaN,
        0);
  }

  @Override
  public void end() {}
}
