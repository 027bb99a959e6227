package io.underpass.agent.jmx;

import io.underpass.protocol.FlowView;

/**
 * One row of the table: a {@link FlowView}, flat, and the kind of socket it belongs to.
 *
 * @param kind {@code socket}, {@code channel}, {@code async}, or {@code unknown} for one that the
 *     agent has no record of
 */
public record FlowRow(
    String local,
    String remote,
    String state,
    String reason,
    String kind,
    long ageMillis,
    long txRedirectedBytes,
    long txRedirectedMessages,
    long txPassedBytes,
    long txPassedMessages,
    long rxRedirectedBytes,
    long rxRedirectedMessages,
    long rxPassedBytes,
    long rxPassedMessages,
    long tcpBytesSent,
    long tcpBytesReceived,
    long switches) {
  static FlowRow of(FlowView flow, String kind) {
    return new FlowRow(
        flow.local(),
        flow.remote(),
        flow.state(),
        flow.reason().wireName(),
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
