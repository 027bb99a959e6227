/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.samples.bench;

import com.fasterxml.jackson.databind.JsonNode;
import io.underpass.protocol.FlowView;
import io.underpass.protocol.HelperClient;
import io.underpass.samples.process.Child;
import java.io.IOException;
import java.util.Map;
import java.util.Optional;

/** Connections between two JVMs that are open and not used, and one more that comes and goes. */
final class IdleFlows implements AutoCloseable {

  static final int SIZE = ManySide.SIZE;

  /** Of the agent: what is measured is the helper, and not how long the agent waits. */
  static final String JOIN = ",join=now";

  /** Messages on each: enough of them to count as long-lived. */
  private static final int LAPS = 20;

  /** What is added to them while not all are accelerated. */
  private static final long MORE_MILLIS = 500;

  /** Ten thousand are taken up within some seconds; one alone within some milliseconds. */
  private static final long PATIENCE_NANOS = 60_000_000_000L;

  private static final long NEWCOMERS_PATIENCE_NANOS = 5_000_000_000L;

  /** The newcomer is the busiest flow but for what is left of its forerunners. */
  private static final int ROWS = 100;

  private final Child client;

  private IdleFlows(Child client) {
    this.client = client;
  }

  /**
   * Opens so many, with a message on each and no more: too few to decide by, with {@code join=now}.
   */
  static IdleFlows undecided(JvmPair pair, int count) {
    return open(pair, count, 0);
  }

  /**
   * Opens so many, and uses each until it has to count as long-lived.
   *
   * @param accelerated whether to use them until all were redirected, if that comes to pass
   */
  static IdleFlows settled(JvmPair pair, int count, boolean accelerated) {
    long wanted = connections(pair.client()) + count;
    IdleFlows flows = open(pair, count, LAPS);
    long begin = System.nanoTime();
    while (accelerated
        && connections(pair.client()) < wanted
        && System.nanoTime() - begin < PATIENCE_NANOS) {
      pair.client().ask(Map.of("verb", "useFlows", "millis", MORE_MILLIS));
    }
    return flows;
  }

  private static IdleFlows open(JvmPair pair, int count, int laps) {
    pair.join(Transport.SELECTOR, "flows", SIZE, SIZE, 0);
    pair.client().ask(Map.of("verb", "openFlows", "count", count, "laps", laps));
    return new IdleFlows(pair.client());
  }

  private static long connections(Child client) {
    return client.ask(Map.of("verb", "redirected")).get("connections").asLong();
  }

  /** Opens one more, uses it for so long, and closes it. */
  Arrival arrive(long millis) {
    double firstAnswer =
        micros(client.ask(Map.of("verb", "arrive", "millis", millis)), "firstAnswer");
    client.ask(Map.of("verb", "depart"));
    return Arrival.plain(firstAnswer);
  }

  /** The same, and goes on until it has been redirected, if that comes to pass. */
  Arrival arrive(long millis, HelperClient helper) throws IOException {
    JsonNode arrived = client.ask(Map.of("verb", "arrive", "millis", millis));
    double firstAnswer = micros(arrived, "firstAnswer");
    int port = arrived.get("port").asInt();
    long begin = System.nanoTime();
    Optional<FlowView> flow = redirected(helper, port);
    while (flow.isEmpty() && System.nanoTime() - begin < NEWCOMERS_PATIENCE_NANOS) {
      client.ask(Map.of("verb", "stay", "millis", millis));
      flow = redirected(helper, port);
    }
    Arrival arrival =
        flow.map(view -> arrival(firstAnswer, view)).orElse(Arrival.plain(firstAnswer));
    client.ask(Map.of("verb", "depart"));
    return arrival;
  }

  private Arrival arrival(double firstAnswer, FlowView flow) {
    FirstRedirect first = FirstRedirect.of(flow, SIZE);
    JsonNode moment = client.ask(Map.of("verb", "moment", "up", first.up(), "down", first.down()));
    int before = first.up() == FirstRedirect.NONE ? first.down() : first.up();
    return new Arrival(firstAnswer, micros(moment, "nanos"), before, flow.switches() > 1);
  }

  /** The flow from that port of the client, if a message of it was redirected. */
  private Optional<FlowView> redirected(HelperClient helper, int port) throws IOException {
    return helper.flows(ROWS).stream()
        .filter(flow -> flow.owner() == client.pid() && flow.local().endsWith(":" + port))
        .filter(flow -> FirstRedirect.of(flow, SIZE).happened())
        .findFirst();
  }

  private static double micros(JsonNode answer, String field) {
    return answer.get(field).asLong() / 1000.0;
  }

  @Override
  public void close() {
    client.ask(Map.of("verb", "closeFlows"));
  }
}
