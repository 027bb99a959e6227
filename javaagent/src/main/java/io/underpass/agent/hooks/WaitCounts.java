/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.agent.hooks;

import java.util.concurrent.atomic.LongAdder;

/** How the short waits before a call ended since the agent started. */
public final class WaitCounts {
  private final LongAdder won = new LongAdder();
  private final LongAdder lost = new LongAdder();

  WaitCounts() {}

  void won() {
    won.increment();
  }

  void lost() {
    lost.increment();
  }

  /** What was waited for came. */
  public long wonCount() {
    return won.sum();
  }

  /** It did not come in time. */
  public long lostCount() {
    return lost.sum();
  }
}
