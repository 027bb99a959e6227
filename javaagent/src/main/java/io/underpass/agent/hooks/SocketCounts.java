/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.agent.hooks;

import java.util.concurrent.atomic.LongAdder;

/** How often each event of a TCP socket's life was seen since the agent started. */
public final class SocketCounts {
  private final LongAdder created = new LongAdder();
  private final LongAdder bound = new LongAdder();
  private final LongAdder connected = new LongAdder();
  private final LongAdder accepted = new LongAdder();
  private final LongAdder closed = new LongAdder();
  private final LongAdder brief = new LongAdder();

  SocketCounts() {}

  void created() {
    created.increment();
  }

  void bound() {
    bound.increment();
  }

  void connected() {
    connected.increment();
  }

  void accepted() {
    accepted.increment();
  }

  void closed() {
    closed.increment();
  }

  void brief() {
    brief.increment();
  }

  /** Connections that ended before they had lasted long enough to be accelerated. */
  public long briefCount() {
    return brief.sum();
  }

  /** Sockets made by the program; accepted ones not among them. */
  public long createdCount() {
    return created.sum();
  }

  /** Sockets bound by the program. */
  public long boundCount() {
    return bound.sum();
  }

  /** Connections made. */
  public long connectedCount() {
    return connected.sum();
  }

  /** Connections accepted. */
  public long acceptedCount() {
    return accepted.sum();
  }

  /** Connections made or accepted. */
  long connections() {
    return connected.sum() + accepted.sum();
  }

  /** Sockets closed, of those that had a record. */
  public long closedCount() {
    return closed.sum();
  }
}
