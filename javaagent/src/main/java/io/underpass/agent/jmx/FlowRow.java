package io.underpass.agent.jmx;

/**
 * One row of the table: a flow as the helper has it, and the kind of socket it belongs to.
 *
 * @param explanation what the reason means, and what an administrator can do about it
 * @param kind {@code socket}, {@code channel}, {@code async}, or {@code unknown} for one that the
 *     agent has no record of
 */
public record FlowRow(
    String local,
    String remote,
    String state,
    String reason,
    String explanation,
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
    long switches) {}
