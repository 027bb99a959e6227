/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.protocol;

import io.underpass.Version;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * One request. Whoever holds one knows that it has its verb's fields and that their values are in
 * range.
 */
public record Request(Verb verb, Map<String, String> fields) {
  /** Longest {@code agent} text. */
  private static final int MAX_AGENT = 64;

  /** The value of {@code enabled} of a process that is not to be accelerated. */
  private static final String PORTS_ALONE = "ports";

  /** The one value of {@code datagrams}. */
  private static final String LATER = "later";

  /** Longest time that readers can be given to read, for an administrator who is patient. */
  public static final int MAX_WAIT_SECONDS = 86_400;

  /** With fields that have been checked. */
  public Request {
    try {
      check(verb, fields);
    } catch (WireException e) {
      throw new IllegalArgumentException(e.getMessage(), e);
    }
  }

  /** Registers this process; {@code enabled} is {@code auto} or {@code on}. */
  public static Request register(String enabled) {
    return register(enabled, null);
  }

  /** Registers this process, as a member of a port group if {@code wish} is not null. */
  public static Request register(String enabled, GroupWish wish) {
    Map<String, String> fields = new LinkedHashMap<>();
    fields.put("proto", Integer.toString(Version.PROTOCOL));
    fields.put("agent", Version.VERSION);
    fields.put("enabled", enabled);
    if (wish != null) {
      fields.putAll(wish.toWire());
    }
    return new Request(Verb.REGISTER, fields);
  }

  /**
   * Registers this process as a member of a port group, and promises a {@link #datagrams} before it
   * has a datagram socket.
   */
  public static Request registerWithoutDatagrams(String enabled, GroupWish wish) {
    Map<String, String> fields = new LinkedHashMap<>(register(enabled, wish).fields);
    fields.put("datagrams", LATER);
    return new Request(Verb.REGISTER, fields);
  }

  /**
   * The same of a process whose sockets are not to be accelerated: it is registered for its port
   * group alone.
   */
  public static Request registerForPorts(GroupWish wish) {
    return registerWithoutDatagrams(PORTS_ALONE, wish);
  }

  /** Says that this process has sockets that its registration does not reach. */
  public static Request claim() {
    return new Request(Verb.CLAIM, Map.of());
  }

  /** Says that this process is about to make its first datagram socket. */
  public static Request datagrams() {
    return new Request(Verb.DATAGRAMS, Map.of());
  }

  /** Asks for this registration's totals. */
  public static Request totals() {
    return new Request(Verb.TOTALS, Map.of());
  }

  /** Asks for at most that many flows, {@code 1..}{@link Wire#MAX_FLOWS}. */
  public static Request flows(int limit) {
    return new Request(Verb.FLOWS, Map.of("limit", Integer.toString(limit)));
  }

  /** Asks for at most that many bound ports of groups, {@code 1..}{@link Wire#MAX_FLOWS}. */
  public static Request ports(int limit) {
    return new Request(Verb.PORTS, Map.of("limit", Integer.toString(limit)));
  }

  /** Asks for the bound ports of one group. */
  public static Request ports(String group) {
    return new Request(
        Verb.PORTS, Map.of("limit", Integer.toString(Wire.MAX_FLOWS), "group", group));
  }

  /** Asks for the sockets that are bound to one port of one group. */
  public static Request ports(String group, int port) {
    return new Request(
        Verb.PORTS,
        Map.of(
            "limit",
            Integer.toString(Wire.MAX_FLOWS),
            "group",
            group,
            "port",
            Integer.toString(port)));
  }

  /** Asks for the helper's state. */
  public static Request status() {
    return new Request(Verb.STATUS, Map.of());
  }

  /** Asks the helper to stop in order, and to wait so many seconds for readers to read. */
  public static Request drain(int waitSeconds) {
    return new Request(Verb.DRAIN, Map.of("wait", Integer.toString(waitSeconds)));
  }

  /**
   * Reads a line, without its line end.
   *
   * @throws WireException with {@link ErrorCode#PROTO} for a registration in another version,
   *     whatever else it says; with {@link ErrorCode#MALFORMED} for anything that is no request
   */
  public static Request parse(String line) throws WireException {
    int end = line.indexOf(' ');
    String word = end < 0 ? line : line.substring(0, end);
    for (Verb verb : Verb.values()) {
      if (verb.name().equals(word)) {
        Map<String, String> fields = Wire.parse(line, word.length());
        check(verb, fields);
        return new Request(verb, fields);
      }
    }
    throw Wire.malformed(
        "an unknown verb; known are REGISTER, CLAIM, DATAGRAMS, TOTALS, FLOWS, PORTS, STATUS and"
            + " DRAIN");
  }

  /** The line, with its line end. */
  public byte[] toBytes() {
    return verb.name().concat(Wire.format(fields)).concat("\n").getBytes(StandardCharsets.US_ASCII);
  }

  /** What is asked of a port group; null if nothing is. For {@link Verb#REGISTER}. */
  public GroupWish wish() throws WireException {
    return GroupWish.fromWire(fields);
  }

  /**
   * Whether the process may have datagram sockets before it sends {@link Verb#DATAGRAMS}: it may if
   * it does not say. For {@link Verb#REGISTER}.
   */
  public boolean hasDatagrams() {
    return !fields.containsKey("datagrams");
  }

  /** Whether the process's sockets may be accelerated. For {@link Verb#REGISTER}. */
  public boolean accelerates() {
    return !PORTS_ALONE.equals(fields.get("enabled"));
  }

  /** How many are asked for; for {@link Verb#FLOWS} and {@link Verb#PORTS}. */
  public int limit() {
    return Integer.parseInt(fields.get("limit"));
  }

  /** How long to wait, in seconds; for {@link Verb#DRAIN}. */
  public int waitSeconds() {
    return Integer.parseInt(fields.get("wait"));
  }

  private static void check(Verb verb, Map<String, String> fields) throws WireException {
    if (verb == Verb.REGISTER) {
      // First, since another version may have other fields.
      long proto = Wire.number(fields, "proto", Integer.MAX_VALUE);
      if (proto != Version.PROTOCOL) {
        throw new WireException(
            ErrorCode.PROTO,
            "protocol " + proto + " is not spoken here, " + Version.PROTOCOL + " is");
      }
    }
    for (String name : fields.keySet()) {
      if (!verb.names().contains(name) && !verb.optionalNames().contains(name)) {
        throw Wire.malformed(verb + " has no field " + name);
      }
    }
    for (String name : verb.names()) {
      Wire.text(fields, name);
    }
    if (verb == Verb.REGISTER) {
      String enabled = fields.get("enabled");
      if (!enabled.equals("auto") && !enabled.equals("on") && !enabled.equals(PORTS_ALONE)) {
        throw Wire.malformed("enabled is neither auto, on nor " + PORTS_ALONE);
      }
      if (fields.get("agent").isEmpty() || fields.get("agent").length() > MAX_AGENT) {
        throw Wire.malformed("agent is not a text of 1 to " + MAX_AGENT + " characters");
      }
    }
    if (verb == Verb.REGISTER) {
      GroupWish wish = GroupWish.fromWire(fields);
      String datagrams = fields.getOrDefault("datagrams", LATER);
      if (!datagrams.equals(LATER)) {
        throw Wire.malformed("datagrams=" + datagrams + ": it is not " + LATER);
      }
      if (wish == null && fields.get("enabled").equals(PORTS_ALONE)) {
        throw Wire.malformed("enabled=" + PORTS_ALONE + ": there is no group");
      }
      if (wish == null && fields.containsKey("datagrams")) {
        throw Wire.malformed("datagrams=" + datagrams + ": there is no group");
      }
    }
    if (verb.names().contains("limit") && Wire.number(fields, "limit", Wire.MAX_FLOWS) == 0) {
      throw Wire.malformed("limit is no number from 1 to " + Wire.MAX_FLOWS);
    }
    if (verb == Verb.DRAIN) {
      Wire.number(fields, "wait", MAX_WAIT_SECONDS);
    }
    if (verb == Verb.PORTS && fields.containsKey("port")) {
      Wire.number(fields, "port", PortRanges.LAST);
    }
  }
}
