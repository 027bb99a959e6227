/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.agent.beans;

import io.underpass.agent.jmx.AcceleratorMXBean;
import io.underpass.agent.jmx.FlowsMXBean;
import io.underpass.agent.jmx.PortsMXBean;
import java.lang.management.ManagementFactory;
import javax.management.JMException;
import javax.management.MBeanServer;
import javax.management.ObjectName;
import javax.management.StandardMBean;

/** The calls of {@code java.management}; loaded in a JVM that uses it. */
final class Platform {
  private static final String DOMAIN = "io.underpass:type=";

  private Platform() {}

  /** The method is woven: it leads to {@link Beans#accept}. */
  static void ask() {
    ManagementFactory.getPlatformMBeanServer();
  }

  static void register(Object server, Accelerator accelerator, Flows flows, Ports ports) {
    try {
      MBeanServer beans = (MBeanServer) server;
      register(beans, "Accelerator", accelerator, AcceleratorMXBean.class);
      register(beans, "Flows", flows, FlowsMXBean.class);
      register(beans, "Ports", ports, PortsMXBean.class);
    } catch (JMException e) {
      throw new IllegalStateException(e);
    }
  }

  /** What is registered is an object of the JDK's: whoever asks for its loader gets none. */
  private static <T> void register(MBeanServer beans, String type, T bean, Class<T> shown)
      throws JMException {
    beans.registerMBean(new StandardMBean(bean, shown, true), new ObjectName(DOMAIN + type));
  }
}
