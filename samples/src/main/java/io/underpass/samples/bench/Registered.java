/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.samples.bench;

import java.lang.management.ManagementFactory;
import java.util.Map;
import javax.management.InstanceNotFoundException;
import javax.management.JMException;
import javax.management.MBeanServer;
import javax.management.ObjectName;

/**
 * Whether the agent of this very JVM is registered. On a busy host the first try may find the
 * helper too slow; the agent then runs plain until it tries again, and what was measured meanwhile
 * would be plain against plain.
 */
final class Registered {

  /** Longer than the agent's longest pause between tries, 30 s. */
  private static final long PATIENCE_NANOS = 45_000_000_000L;

  private static final long PAUSE_MILLIS = 50;

  private Registered() {}

  /**
   * Waits until it is; returns at once where there is no agent.
   *
   * @throws IllegalStateException if it still is not after {@link #PATIENCE_NANOS}
   */
  static Map<String, ?> await() throws JMException, InterruptedException {
    MBeanServer beans = ManagementFactory.getPlatformMBeanServer();
    ObjectName accelerator = new ObjectName("io.underpass:type=Accelerator");
    long begin = System.nanoTime();
    try {
      while (!beans.getAttribute(accelerator, "State").equals("registered")) {
        if (System.nanoTime() - begin > PATIENCE_NANOS) {
          throw new IllegalStateException(
              "the agent runs plain: " + beans.getAttribute(accelerator, "Reason"));
        }
        Thread.sleep(PAUSE_MILLIS);
      }
    } catch (InstanceNotFoundException e) {
      return Map.of("agent", false);
    }
    return Map.of("agent", true);
  }
}
