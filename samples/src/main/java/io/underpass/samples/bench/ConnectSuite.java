package io.underpass.samples.bench;

import java.util.List;

/**
 * Short connections: what making and closing them costs, and from how many messages on acceleration
 * pays.
 */
final class ConnectSuite extends TurnSuite {

  ConnectSuite() {
    super(Unit.CONNECTIONS_PER_SECOND, List.of(0, 1, 10, 1000), 1);
  }

  @Override
  public String name() {
    return "connect";
  }

  @Override
  public String explanation() {
    return """
        One thread connects, exchanges so many messages of %d bytes each way, reads to the end and closes; then it does \
        so again. The server accepts, answers and closes first. Blocking `java.net.Socket` on both ends."""
        .formatted(VisitSide.SIZE);
  }

  @Override
  String parameter() {
    return "messages";
  }

  @Override
  String rowName(int messages) {
    return "connect, %d messages".formatted(messages);
  }

  @Override
  Side side(JvmPair pair, int messages) {
    return new VisitSide(pair, messages);
  }
}
