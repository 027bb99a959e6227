package io.underpass.samples.bench;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Map;

/**
 * Requests and answers of one size over one connection, one at a time.
 *
 * @param label may differ from the pair's, where one pair serves several sides
 * @param size of a request, and of an answer, in bytes
 */
record PingSide(String label, JvmPair pair, Transport transport, int size) implements Side {

  PingSide(JvmPair pair, int size) {
    this(pair.label(), pair, Transport.SOCKET, size);
  }

  @Override
  public void begin() {
    pair.join(transport, "echo", size, 0);
    pair.client().ask(Map.of("verb", "open"));
  }

  @Override
  public Sample measure(long millis) {
    JsonNode answer = pair.client().ask(Map.of("verb", "ping", "millis", millis));
    return new Sample(
        answer.get("median").asLong() / 1000.0,
        answer.get("p99").asLong() / 1000.0,
        2L * size * answer.get("count").asLong());
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
