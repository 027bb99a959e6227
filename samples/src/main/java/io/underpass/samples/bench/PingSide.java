/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.samples.bench;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Map;

/**
 * Requests and answers over one connection, one at a time.
 *
 * @param label may differ from the pair's, where one pair serves several sides
 * @param request its size in bytes
 * @param response its size in bytes
 * @param leadInMillis of each round, before what is counted
 * @param figure which one of a round is its sample: {@link #MEDIAN} or {@link #MEAN}
 */
record PingSide(
    String label,
    JvmPair pair,
    Transport transport,
    int request,
    int response,
    long leadInMillis,
    String figure)
    implements Side {

  static final String MEDIAN = "median";

  /** Shows what a median hides: a part of the exchanges that takes longer. */
  static final String MEAN = "mean";

  PingSide(String label, JvmPair pair, Transport transport, int size) {
    this(label, pair, transport, size, size, 0, MEDIAN);
  }

  PingSide(JvmPair pair, int size) {
    this(pair.label(), pair, Transport.SOCKET, size);
  }

  @Override
  public void begin() {
    pair.join(transport, "echo", request, response, 0);
    pair.client().ask(Map.of("verb", "open"));
  }

  @Override
  public Sample measure(long millis) {
    JsonNode answer =
        pair.client().ask(Map.of("verb", "ping", "leadIn", leadInMillis, "millis", millis));
    return new Sample(
        answer.get(figure).asDouble() / 1000.0,
        answer.get("p99").asLong() / 1000.0,
        (request + response) * answer.get("exchanges").asLong());
  }

  @Override
  public void end() {
    pair.client().ask(Map.of("verb", "close"));
  }

  @Override
  public Carried redirected() {
    return pair.redirected();
  }
}
