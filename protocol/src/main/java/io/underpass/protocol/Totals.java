/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.protocol;

import io.underpass.Reason;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * The totals of one registration: the sent direction of its sockets.
 *
 * @param connectionsAccelerated sockets of which a byte was redirected
 * @param bytesRedirected bytes that went socket to socket
 * @param messagesRedirected the messages that carried them
 * @param bytesPassed bytes of enrolled senders that went by TCP
 * @param messagesPassed the messages that carried them
 * @param switches changes of a direction between TCP and redirect
 * @param plain connections that run plain, by reason; no entry is 0
 */
public record Totals(
    long connectionsAccelerated,
    long bytesRedirected,
    long messagesRedirected,
    long bytesPassed,
    long messagesPassed,
    long switches,
    Map<Reason, Long> plain) {
  /** Nothing has happened yet. */
  public static final Totals ZERO = new Totals(0, 0, 0, 0, 0, 0, Map.of());

  private static final String PLAIN = "plain.";

  /** The fields of a reply. */
  public Map<String, String> toWire() {
    Map<String, String> fields = new LinkedHashMap<>();
    fields.put("connectionsAccelerated", Long.toString(connectionsAccelerated));
    fields.put("bytesRedirected", Long.toString(bytesRedirected));
    fields.put("messagesRedirected", Long.toString(messagesRedirected));
    fields.put("bytesPassed", Long.toString(bytesPassed));
    fields.put("messagesPassed", Long.toString(messagesPassed));
    fields.put("switches", Long.toString(switches));
    plain.forEach((reason, count) -> fields.put(PLAIN + reason.wireName(), count.toString()));
    return fields;
  }

  /**
   * Reads the fields of a reply; a reason that this version does not know counts as {@link
   * Reason#FAILED}.
   */
  public static Totals fromWire(Map<String, String> fields) throws WireException {
    Map<Reason, Long> plain = new EnumMap<>(Reason.class);
    for (String name : fields.keySet()) {
      if (name.startsWith(PLAIN)) {
        Reason reason = Reason.ofWireName(name.substring(PLAIN.length()));
        plain.merge(reason, Wire.number(fields, name), Long::sum);
      }
    }
    return new Totals(
        Wire.number(fields, "connectionsAccelerated"),
        Wire.number(fields, "bytesRedirected"),
        Wire.number(fields, "messagesRedirected"),
        Wire.number(fields, "bytesPassed"),
        Wire.number(fields, "messagesPassed"),
        Wire.number(fields, "switches"),
        plain);
  }
}
