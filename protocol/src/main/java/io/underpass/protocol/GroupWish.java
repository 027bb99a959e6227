/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.protocol;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.regex.Pattern;

/**
 * What a JVM asks of a port group when it registers.
 *
 * @param group its name
 * @param ports those that it binds in the group's name; empty: it is a client only
 * @param publish those of them that are to be reachable from outside at the real port
 * @param identity an address, {@link #AUTO}, or empty
 */
public record GroupWish(String group, PortRanges ports, PortRanges publish, String identity) {
  /** Any address of the policy's pool. */
  public static final String AUTO = "auto";

  /** In bytes; the kernel side keeps names of this size. */
  public static final int MAX_NAME = 16;

  /** An IPv6 address in full is shorter. */
  private static final int MAX_IDENTITY = 64;

  /** Four numbers up to 255, without leading zeros, which some read as octal. */
  private static final Pattern IPV4 =
      Pattern.compile(
          "(?:BYTE\\.){3}BYTE".replace("BYTE", "(?:25[0-5]|2[0-4]\\d|1?[1-9]\\d|1\\d\\d|\\d)"));

  private static final Pattern IPV6 = Pattern.compile("[0-9a-fA-F:][0-9a-fA-F.]*:[0-9a-fA-F:.]*");

  /**
   * The text if it is a group's name.
   *
   * @throws IllegalArgumentException saying why it is none
   */
  public static String name(String text) {
    if (text.isEmpty() || text.length() > MAX_NAME) {
      throw new IllegalArgumentException("a group's name has 1 to " + MAX_NAME + " characters");
    }
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      boolean word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
      if (!word && c != '-' && c != '_' && c != '.') {
        throw new IllegalArgumentException(
            "a group's name is made of letters, digits, \"-\", \"_\" and \".\"");
      }
    }
    return text;
  }

  /**
   * The text if it is {@link #AUTO} or a literal address; names are not looked up.
   *
   * @throws IllegalArgumentException saying why it is neither
   */
  public static String identity(String text) {
    if (text.equals(AUTO)) {
      return text;
    }
    try {
      if (text.length() > MAX_IDENTITY || text.indexOf('%') >= 0) {
        throw new IllegalArgumentException();
      }
      InetAddress address = ofLiteral(text);
      if (address.isAnyLocalAddress() || address.isMulticastAddress() || isLocalhost(address)) {
        throw new IllegalArgumentException();
      }
      return text;
    } catch (IllegalArgumentException | UnknownHostException e) {
      throw new IllegalArgumentException(
          "it is neither " + AUTO + " nor an address to have for oneself", e);
    }
  }

  /**
   * {@code InetAddress.ofLiteral} of Java 22. {@code getByName} asks no name service for what looks
   * like this: four numbers, or something with a colon that begins as an IPv6 address does.
   */
  private static InetAddress ofLiteral(String text) throws UnknownHostException {
    if (!IPV4.matcher(text).matches() && !IPV6.matcher(text).matches()) {
      throw new IllegalArgumentException();
    }
    return InetAddress.getByName(text);
  }

  /** It is everybody's; the rest of 127.0.0.0/8 is not. */
  private static boolean isLocalhost(InetAddress address) {
    String text = address.getHostAddress();
    return text.equals("127.0.0.1") || text.equals("0:0:0:0:0:0:0:1");
  }

  /** The fields of a registration, beside those that every one has. */
  Map<String, String> toWire() {
    Map<String, String> fields = new LinkedHashMap<>();
    fields.put("group", group);
    put(fields, "ports", ports.text());
    put(fields, "publish", publish.text());
    put(fields, "identity", identity);
    return fields;
  }

  private static void put(Map<String, String> fields, String name, String text) {
    if (!text.isEmpty()) {
      fields.put(name, text);
    }
  }

  /** Reads them; null if the registration asks for no group. The offending text is named. */
  static GroupWish fromWire(Map<String, String> fields) throws WireException {
    if (!fields.containsKey("group")) {
      for (String name : new String[] {"ports", "publish", "identity"}) {
        if (fields.containsKey(name)) {
          throw Wire.malformed(name + "=" + shown(fields.get(name)) + ": there is no group");
        }
      }
      return null;
    }
    String name = "group";
    try {
      String group = name(fields.get(name));
      name = "ports";
      PortRanges ports = ranges(fields.get(name));
      name = "publish";
      PortRanges publish = ranges(fields.get(name));
      name = "identity";
      String identity = fields.containsKey(name) ? identity(fields.get(name)) : "";
      return new GroupWish(group, ports, publish, identity);
    } catch (IllegalArgumentException e) {
      throw Wire.malformed(name + "=" + shown(fields.get(name)) + ": " + e.getMessage());
    }
  }

  private static PortRanges ranges(String text) {
    return text == null ? PortRanges.NONE : PortRanges.parse(text);
  }

  private static String shown(String text) {
    return text.length() > 80 ? text.substring(0, 80) + "..." : text;
  }
}
