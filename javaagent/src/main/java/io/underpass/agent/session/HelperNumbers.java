/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.agent.session;

import io.underpass.protocol.FlowView;
import io.underpass.protocol.HelperClient;
import io.underpass.protocol.PortView;
import io.underpass.protocol.Request;
import io.underpass.protocol.Totals;
import java.io.IOException;
import java.util.List;

/**
 * The helper's numbers of this JVM, for the beans: at most {@link #FRESH_NANOS} old, and the last
 * known while there is no helper.
 *
 * <p>A JMX client that reads attribute by attribute costs the helper one request, and sees numbers
 * of one moment.
 */
public final class HelperNumbers {
  private static final long FRESH_NANOS = 200_000_000;

  private final HelperSession session;

  /** Guarded by this. */
  private Totals totals = Totals.ZERO;

  /** When {@link #totals} was asked; guarded by this. */
  private long totalsAt = System.nanoTime() - FRESH_NANOS;

  /** Guarded by this. */
  private List<FlowView> flows = List.of();

  /** When {@link #flows} was asked; guarded by this. */
  private long flowsAt = System.nanoTime() - FRESH_NANOS;

  /** Guarded by this. */
  private List<PortView> ports = List.of();

  /** Asked over that session. */
  public HelperNumbers(HelperSession session) {
    this.session = session;
  }

  /** The totals of this JVM. */
  public synchronized Totals totals() {
    HelperClient client = session.client();
    if (client != null && System.nanoTime() - totalsAt >= FRESH_NANOS) {
      try {
        totals = client.totals();
        totalsAt = System.nanoTime();
      } catch (IOException e) {
        lost(client);
      }
    }
    return totals;
  }

  /** The flows of this JVM; {@code limit} is the same at each call. */
  public synchronized List<FlowView> flows(int limit) {
    HelperClient client = session.client();
    if (client != null && System.nanoTime() - flowsAt >= FRESH_NANOS) {
      try {
        flows = client.flows(limit);
        flowsAt = System.nanoTime();
      } catch (IOException e) {
        lost(client);
      }
    }
    return flows;
  }

  /** The bound ports of this JVM's group, as they are now. */
  public synchronized List<PortView> ports() {
    HelperClient client = session.client();
    GroupState group = session.group();
    if (client != null && group.joined()) {
      try {
        ports = client.ports(Request.ports(group.group()));
      } catch (IOException e) {
        lost(client);
      }
    }
    return ports;
  }

  /** The last known numbers stay; the session sees that the connection is over. */
  private static void lost(HelperClient client) {
    client.close();
  }
}
