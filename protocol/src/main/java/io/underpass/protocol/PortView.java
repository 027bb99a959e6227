/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.protocol;

import java.util.LinkedHashMap;
import java.util.Map;

/**
 * One socket that is bound to a port of a group.
 *
 * @param group the group's name
 * @param virtual the port that the application sees
 * @param real the port that the kernel has
 * @param protocol {@code tcp} or {@code udp}
 * @param address as bound; {@code *} for the wildcard
 * @param pid who bound it
 * @param ageMillis since when, counted back from now
 * @param published whether others reach it at {@code virtual} too
 * @param confined whether only the group may connect to it
 */
public record PortView(
    String group,
    int virtual,
    int real,
    String protocol,
    String address,
    int pid,
    long ageMillis,
    boolean published,
    boolean confined) {

  /** The fields of a record. */
  public Map<String, String> toWire() {
    Map<String, String> fields = new LinkedHashMap<>();
    fields.put("group", group);
    fields.put("virtual", Integer.toString(virtual));
    fields.put("real", Integer.toString(real));
    fields.put("protocol", protocol);
    fields.put("address", address);
    fields.put("pid", Integer.toString(pid));
    fields.put("ageMillis", Long.toString(ageMillis));
    fields.put("published", Boolean.toString(published));
    fields.put("confined", Boolean.toString(confined));
    return fields;
  }

  /** Reads the fields of a record. */
  public static PortView fromWire(Map<String, String> fields) throws WireException {
    return new PortView(
        Wire.text(fields, "group"),
        (int) Wire.number(fields, "virtual", PortRanges.LAST),
        (int) Wire.number(fields, "real", PortRanges.LAST),
        Wire.text(fields, "protocol"),
        Wire.text(fields, "address"),
        Wire.integer(fields, "pid"),
        Wire.number(fields, "ageMillis"),
        Boolean.parseBoolean(Wire.text(fields, "published")),
        Boolean.parseBoolean(Wire.text(fields, "confined")));
  }
}
