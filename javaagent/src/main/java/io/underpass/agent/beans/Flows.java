/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.agent.beans;

import io.underpass.agent.hooks.Acceleration;
import io.underpass.agent.hooks.SocketRecord;
import io.underpass.agent.jmx.FlowRow;
import io.underpass.agent.jmx.FlowsMXBean;
import io.underpass.agent.session.HelperNumbers;
import io.underpass.protocol.FlowView;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * Answers with the helper's numbers; the kind of each socket is joined from the agent's records, by
 * its addresses.
 */
final class Flows implements FlowsMXBean {
  private final HelperNumbers numbers;
  private final Acceleration acceleration;
  private final int limit;

  Flows(HelperNumbers numbers, Acceleration acceleration, int limit) {
    this.numbers = numbers;
    this.acceleration = acceleration;
    this.limit = limit;
  }

  @Override
  public List<FlowRow> getFlows() {
    List<FlowView> flows = numbers.flows(limit);
    if (flows.isEmpty()) {
      return List.of();
    }
    Map<String, SocketRecord> records = new HashMap<>();
    for (SocketRecord record : acceleration.table().records()) {
      records.put(record.addresses(), record);
    }
    List<FlowRow> rows = new ArrayList<>(flows.size());
    for (FlowView flow : flows) {
      SocketRecord record = records.get(flow.local() + " " + flow.remote());
      String kind = record == null ? "unknown" : record.kind().name().toLowerCase(Locale.ROOT);
      rows.add(row(flow, kind));
    }
    return rows;
  }

  @Override
  public int getLimit() {
    return limit;
  }

  private static FlowRow row(FlowView flow, String kind) {
    return new FlowRow(
        flow.local(),
        flow.remote(),
        flow.state(),
        flow.reason().wireName(),
        flow.reason().explanation(),
        kind,
        flow.ageMillis(),
        flow.tx().redirectedBytes(),
        flow.tx().redirectedMessages(),
        flow.tx().passedBytes(),
        flow.tx().passedMessages(),
        flow.rx().redirectedBytes(),
        flow.rx().redirectedMessages(),
        flow.rx().passedBytes(),
        flow.rx().passedMessages(),
        flow.tcpBytesSent(),
        flow.tcpBytesReceived(),
        flow.switches());
  }
}
