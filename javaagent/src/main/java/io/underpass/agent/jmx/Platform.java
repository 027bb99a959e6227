package io.underpass.agent.jmx;

import java.lang.management.ManagementFactory;
import javax.management.JMException;
import javax.management.MBeanServer;
import javax.management.ObjectName;

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
      beans.registerMBean(accelerator, new ObjectName(DOMAIN + "Accelerator"));
      beans.registerMBean(flows, new ObjectName(DOMAIN + "Flows"));
      beans.registerMBean(ports, new ObjectName(DOMAIN + "Ports"));
    } catch (JMException e) {
      throw new IllegalStateException(e);
    }
  }
}
