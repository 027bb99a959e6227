/* SPDX-License-Identifier: Apache-2.0 */
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
    long switches) {
  /** This end's address and port. */
  public String getLocal() {
    return local;
  }

  /** The other end's. */
  public String getRemote() {
    return remote;
  }

  /** {@code accelerated} or {@code plain}. */
  public String getState() {
    return state;
  }

  /** Why it is plain. */
  public String getReason() {
    return reason;
  }

  /** What the reason means. */
  public String getExplanation() {
    return explanation;
  }

  /** The kind of socket. */
  public String getKind() {
    return kind;
  }

  /** Since the helper knows it, milliseconds. */
  public long getAgeMillis() {
    return ageMillis;
  }

  /** Bytes sent past TCP. */
  public long getTxRedirectedBytes() {
    return txRedirectedBytes;
  }

  /** The messages that carried them. */
  public long getTxRedirectedMessages() {
    return txRedirectedMessages;
  }

  /** Bytes sent by TCP, while enrolled. */
  public long getTxPassedBytes() {
    return txPassedBytes;
  }

  /** The messages that carried them. */
  public long getTxPassedMessages() {
    return txPassedMessages;
  }

  /** Bytes received past TCP. */
  public long getRxRedirectedBytes() {
    return rxRedirectedBytes;
  }

  /** The messages that carried them. */
  public long getRxRedirectedMessages() {
    return rxRedirectedMessages;
  }

  /** Bytes received by TCP, while enrolled. */
  public long getRxPassedBytes() {
    return rxPassedBytes;
  }

  /** The messages that carried them. */
  public long getRxPassedMessages() {
    return rxPassedMessages;
  }

  /** Bytes that TCP has sent. */
  public long getTcpBytesSent() {
    return tcpBytesSent;
  }

  /** Bytes that TCP has received. */
  public long getTcpBytesReceived() {
    return tcpBytesReceived;
  }

  /** Changes of a direction. */
  public long getSwitches() {
    return switches;
  }
}
