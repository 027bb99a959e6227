/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.samples.bench;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Map;

/**
 * Connections that are made, exchange so many messages each way, and are closed, one after the
 * other.
 *
 * @param messages exchanged on each
 */
record VisitSide(JvmPair pair, int messages) implements Side {

  /** Of a message: small, so that making the connection is what counts. */
  static final int SIZE = 64;

  @Override
  public String label() {
    return pair.label();
  }

  @Override
  public void begin() {
    pair.join(Transport.SOCKET, "visit", SIZE, SIZE, messages);
  }

  @Override
  public Sample measure(long millis) {
    JsonNode answer =
        pair.client().ask(Map.of("verb", "visit", "millis", millis, "messages", messages));
    long count = answer.get("count").asLong();
    return new Sample(
        count * 1e9 / answer.get("nanos").asLong(), Double.NaN, 2L * SIZE * messages * count);
  }

  @Override
  public void end() {}

  @Override
  public Carried redirected() {
    return pair.redirected();
  }
}
