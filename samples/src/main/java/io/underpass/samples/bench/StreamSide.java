package io.underpass.samples.bench;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Map;

/**
 * Writes of one size, one way, counted where they are read.
 *
 * @param size of a write in bytes
 */
record StreamSide(JvmPair pair, int size) implements Side {

  /** Until the stream runs as it will: buffers are full, and threads are awake. */
  private static final long LEAD_IN_MILLIS = 100;

  @Override
  public String label() {
    return pair.label();
  }

  @Override
  public void begin() {
    pair.join(Transport.SOCKET, "sink", size, 0);
    pair.client().ask(Map.of("verb", "open"));
  }

  @Override
  public Sample measure(long millis) {
    pair.client().ask(Map.of("verb", "write"));
    pair.server().ask(receive(LEAD_IN_MILLIS));
    JsonNode answer = pair.server().ask(receive(millis));
    pair.client().ask(Map.of("verb", "pause"));
    long bytes = answer.get("bytes").asLong();
    return new Sample(bytes * 1000.0 / answer.get("nanos").asLong(), Double.NaN, bytes);
  }

  private static Map<String, Object> receive(long millis) {
    return Map.of("verb", "receive", "millis", millis);
  }

  @Override
  public void end() {
    pair.client().ask(Map.of("verb", "close"));
  }

  @Override
  public long redirected() {
    return pair.redirected();
  }
}
