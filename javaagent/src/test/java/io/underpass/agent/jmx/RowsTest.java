/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.agent.jmx;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.beans.Introspector;
import java.lang.reflect.Method;
import java.lang.reflect.RecordComponent;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A row is the same to a JMX that goes by getters and to one that knows records. */
class RowsTest {
  @ParameterizedTest
  @ValueSource(classes = {FlowRow.class, PortRow.class, ErrorRow.class})
  void eachComponentHasAGetter(Class<?> row) {
    Map<String, Class<?>> components = new TreeMap<>();
    for (RecordComponent component : row.getRecordComponents()) {
      components.put(component.getName(), component.getType());
    }
    Map<String, Class<?>> getters = new TreeMap<>();
    for (Method method : row.getDeclaredMethods()) {
      String name = method.getName().replaceFirst("^(get|is)(?=[A-Z])", "");
      if (!name.equals(method.getName())) {
        getters.put(Introspector.decapitalize(name), method.getReturnType());
      }
    }
    assertEquals(components, getters);
  }
}
