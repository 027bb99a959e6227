package io.underpass.samples.bench;

import java.lang.management.ManagementFactory;
import javax.management.InstanceNotFoundException;
import javax.management.JMException;
import javax.management.ObjectName;

/** What the agent of this very JVM says of the bytes that it sent past the TCP/IP stack. */
final class Redirected {

  private Redirected() {}

  /** {@return the bytes, or 0 where there is no agent} */
  static long bytes() throws JMException {
    try {
      ObjectName accelerator = new ObjectName("io.underpass:type=Accelerator");
      Object bytes =
          ManagementFactory.getPlatformMBeanServer().getAttribute(accelerator, "BytesRedirected");
      return ((Number) bytes).longValue();
    } catch (InstanceNotFoundException e) {
      return 0;
    }
  }
}
