package io.underpass.agent.hooks;

import java.util.concurrent.atomic.LongAdder;

/** How the attempts to spin before a read ended since the agent started. */
public final class SpinCounts {
  private final LongAdder won = new LongAdder();
  private final LongAdder lost = new LongAdder();

  SpinCounts() {}

  void won() {
    won.increment();
  }

  void lost() {
    lost.increment();
  }

  /** Reads that did not have to sleep. */
  public long wonCount() {
    return won.sum();
  }

  /** Reads that slept all the same. */
  public long lostCount() {
    return lost.sum();
  }
}
