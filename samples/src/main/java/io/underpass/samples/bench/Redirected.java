/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.samples.bench;

import java.lang.management.ManagementFactory;
import javax.management.InstanceNotFoundException;
import javax.management.JMException;
import javax.management.ObjectName;

/** What the agent of this very JVM says of what it sent past the TCP/IP stack. */
final class Redirected {

  private Redirected() {}

  /** {@return the bytes, or 0 where there is no agent} */
  static long bytes() throws JMException {
    return total("BytesRedirected");
  }

  /** {@return how many connections sent some of them, ever, or 0 where there is no agent} */
  static long connections() throws JMException {
    return total("ConnectionsAccelerated");
  }

  private static long total(String attribute) throws JMException {
    try {
      ObjectName accelerator = new ObjectName("io.underpass:type=Accelerator");
      Object total =
          ManagementFactory.getPlatformMBeanServer().getAttribute(accelerator, attribute);
      return ((Number) total).longValue();
    } catch (InstanceNotFoundException e) {
      return 0;
    }
  }
}
