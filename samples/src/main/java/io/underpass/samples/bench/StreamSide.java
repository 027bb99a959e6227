/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.samples.bench;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Map;

/** Writes of one size, one way, counted where they are read. Used by one thread. */
final class StreamSide implements Side {

  private final JvmPair pair;
  private final Transport transport;

  /** Of a write, in bytes. */
  private final int size;

  /** Until the stream runs as it will: buffers are full, and threads are awake. */
  private final long leadInMillis;

  /** What the server had received at the end of the last round, in bytes. */
  private long received;

  StreamSide(JvmPair pair, Transport transport, int size, long leadInMillis) {
    this.pair = pair;
    this.transport = transport;
    this.size = size;
    this.leadInMillis = leadInMillis;
  }

  @Override
  public String label() {
    return pair.label();
  }

  @Override
  public void begin() {
    pair.join(transport, "sink", size, 0, 0);
    received = receive(0).get("total").asLong();
    pair.client().ask(Map.of("verb", "open"));
  }

  @Override
  public Sample measure(long millis) {
    pair.client().ask(Map.of("verb", "write"));
    receive(leadInMillis);
    JsonNode answer = receive(millis);
    pair.client().ask(Map.of("verb", "pause"));
    long bytes = answer.get("bytes").asLong();
    // The lead-in is redirected like the rest, so it is a part of the payload.
    long before = received;
    received = receive(0).get("total").asLong();
    return new Sample(bytes * 1000.0 / answer.get("nanos").asLong(), Double.NaN, received - before);
  }

  private JsonNode receive(long millis) {
    return pair.server().ask(Map.of("verb", "receive", "millis", millis));
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
