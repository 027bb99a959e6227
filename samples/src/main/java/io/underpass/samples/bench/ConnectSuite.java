/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.samples.bench;

import java.util.List;

/**
 * Short connections: what making and closing them costs, and from how many messages on acceleration
 * pays.
 */
final class ConnectSuite extends TurnSuite {

  private static final List<Integer> MESSAGES = List.of(0, 1, 10, 1000);
  private static final double FLOOR = 0.97;

  ConnectSuite() {
    super(Unit.CONNECTIONS_PER_SECOND, MESSAGES, MESSAGES);
  }

  /**
   * Rounds are short, and there are more of them: what one of them meets is soon forgotten. And
   * there are more JVMs: two plain pairs may differ by 4 % for as long as they live.
   */
  @Override
  public Plan usual() {
    return new Plan(35, 7, 150, 1500, true);
  }

  @Override
  public String verdict(List<Row> rows) {
    return Verdict.of(rows, FLOOR);
  }

  @Override
  public String name() {
    return "connect";
  }

  @Override
  public String explanation() {
    return """
        One thread connects, exchanges so many messages of %d bytes each way, reads to the end and closes; then it does \
        so again. The server accepts, answers and closes first; the client's close then resets, so that no TIME_WAIT is \
        left to slow what follows. Blocking `java.net.Socket` on both ends."""
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
