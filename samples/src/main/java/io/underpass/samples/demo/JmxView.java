/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.samples.demo;

import com.sun.tools.attach.AttachNotSupportedException;
import com.sun.tools.attach.VirtualMachine;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import javax.management.Attribute;
import javax.management.InstanceNotFoundException;
import javax.management.JMException;
import javax.management.MBeanServerConnection;
import javax.management.ObjectName;
import javax.management.openmbean.CompositeData;
import javax.management.openmbean.TabularData;
import javax.management.remote.JMXConnector;
import javax.management.remote.JMXConnectorFactory;
import javax.management.remote.JMXServiceURL;

/**
 * What the agent of another JVM publishes, read as any monitoring tool would: through a JMX
 * connector, without the agent's classes. Attaching switches the connector on; root may do so with
 * any user's JVM.
 *
 * @param accelerator the attributes of {@code io.underpass:type=Accelerator}; empty where there is
 *     no such bean
 * @param flows the rows of {@code io.underpass:type=Flows}
 */
record JmxView(Map<String, Object> accelerator, List<Map<String, Object>> flows) {

  private static final String DOMAIN = "io.underpass:type=";

  /** Reads a JVM that this one has started itself, so that what it sends is to be trusted. */
  @SuppressWarnings("BanJNDI")
  static JmxView of(long pid) throws IOException {
    try {
      VirtualMachine machine = VirtualMachine.attach(Long.toString(pid));
      String url;
      try {
        url = machine.startLocalManagementAgent();
      } finally {
        machine.detach();
      }
      try (JMXConnector connector = JMXConnectorFactory.connect(new JMXServiceURL(url))) {
        MBeanServerConnection beans = connector.getMBeanServerConnection();
        Map<String, Object> flows = attributes(beans, "Flows");
        return new JmxView(attributes(beans, "Accelerator"), rows(flows.get("Flows")));
      }
    } catch (AttachNotSupportedException | JMException e) {
      throw new IOException("cannot read JMX of pid " + pid + ": " + e, e);
    }
  }

  /** A counter of the Accelerator bean, 0 where there is none. */
  long count(String attribute) {
    return accelerator.get(attribute) instanceof Number number ? number.longValue() : 0;
  }

  /** Why nothing, or not everything, is accelerated: the bean's own words. */
  String reasons() {
    if (accelerator.isEmpty()) {
      return "the agent publishes no " + DOMAIN + "Accelerator";
    }
    return "state %s, reason %s, connections that run plain: %s"
        .formatted(
            accelerator.get("State"),
            accelerator.get("Reason"),
            accelerator.get("ConnectionsPlain"));
  }

  private static Map<String, Object> attributes(MBeanServerConnection beans, String type)
      throws JMException, IOException {
    ObjectName name = new ObjectName(DOMAIN + type);
    Map<String, Object> values = new TreeMap<>();
    try {
      List<String> names = new ArrayList<>();
      for (var attribute : beans.getMBeanInfo(name).getAttributes()) {
        names.add(attribute.getName());
      }
      for (Attribute attribute : beans.getAttributes(name, names.toArray(String[]::new)).asList()) {
        values.put(attribute.getName(), simple(attribute.getValue()));
      }
    } catch (InstanceNotFoundException e) {
      return Map.of();
    }
    return values;
  }

  /**
   * Over JMX lists come as arrays, and maps as tables of key and value; here they are what they
   * were. Other things stay as they are.
   */
  private static Object simple(Object value) {
    if (value instanceof Object[] array && !(value instanceof CompositeData[])) {
      return List.of(array);
    }
    if (!(value instanceof TabularData table)) {
      return value;
    }
    Map<String, Object> map = new TreeMap<>();
    for (Object row : table.values()) {
      CompositeData pair = (CompositeData) row;
      map.put(String.valueOf(pair.get("key")), pair.get("value"));
    }
    return map;
  }

  private static List<Map<String, Object>> rows(Object flows) {
    Collection<?> rows = flows instanceof CompositeData[] array ? List.of(array) : List.of();
    return rows.stream().map(row -> row((CompositeData) row)).toList();
  }

  private static Map<String, Object> row(CompositeData flow) {
    Map<String, Object> values = new TreeMap<>();
    flow.getCompositeType().keySet().forEach(key -> values.put(key, flow.get(key)));
    return values;
  }
}
