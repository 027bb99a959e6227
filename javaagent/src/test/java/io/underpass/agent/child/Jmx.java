/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.agent.child;

import java.lang.management.ManagementFactory;
import java.util.Arrays;
import java.util.stream.Collectors;
import javax.management.MBeanAttributeInfo;
import javax.management.MBeanServer;
import javax.management.ObjectName;
import javax.management.openmbean.CompositeData;
import javax.management.openmbean.TabularData;

/** Prints what the agent's beans say, one line for each attribute. */
final class Jmx {
  private Jmx() {}

  static void print() throws Exception {
    MBeanServer server = ManagementFactory.getPlatformMBeanServer();
    for (String type : new String[] {"Accelerator", "Flows", "Ports"}) {
      ObjectName name = new ObjectName("io.underpass:type=" + type);
      String prefix = type.equals("Ports") ? "Ports." : "";
      for (MBeanAttributeInfo info : server.getMBeanInfo(name).getAttributes()) {
        Object value = server.getAttribute(name, info.getName());
        System.out.println("jmx " + prefix + info.getName() + "=" + text(value));
      }
    }
  }

  private static String text(Object value) {
    if (value instanceof Object[] array) {
      return Arrays.stream(array).map(Jmx::text).collect(Collectors.joining(",", "[", "]"));
    }
    if (value instanceof CompositeData row) {
      return row.getCompositeType().keySet().stream()
          .map(key -> key + ":" + row.get(key))
          .collect(Collectors.joining(" ", "{", "}"));
    }
    if (value instanceof TabularData table) {
      return table.values().stream().map(Jmx::text).sorted().toList().toString();
    }
    return String.valueOf(value);
  }
}
