/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.samples.bench;

import io.underpass.protocol.FlowView;

/**
 * Which message of a connection was the first that went past the TCP/IP stack, by the flow table:
 * as many as TCP has carried had gone before it. Exact where a direction was switched once; where
 * it went back to TCP in between, what TCP carried later counts too, and the place is too late,
 * never too early.
 *
 * @param up its place among those that this end sent, from 0, or {@link #NONE}
 * @param down likewise among those that it received
 */
record FirstRedirect(int up, int down) {

  /** No message of this direction was redirected. */
  static final int NONE = -1;

  /**
   * Of a connection at rest whose messages are all as long.
   *
   * @param size of a message, in bytes
   */
  static FirstRedirect of(FlowView flow, int size) {
    return new FirstRedirect(
        place(flow.tx(), flow.tcpBytesSent(), size),
        place(flow.rx(), flow.tcpBytesReceived(), size));
  }

  boolean happened() {
    return up != NONE || down != NONE;
  }

  private static int place(FlowView.Counters direction, long tcpBytes, int size) {
    return direction.redirectedMessages() == 0 ? NONE : (int) (tcpBytes / size);
  }
}
