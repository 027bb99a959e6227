/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.protocol;

import io.underpass.Reason;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * One flow as its owner sees it.
 *
 * @param id the helper's number of this end, never given again while its part of the kernel lives
 * @param local {@code address:port}, or {@code [v6]:port}
 * @param remote likewise, the other end
 * @param owner pid of the process that registered
 * @param accelerated whether it is enrolled and its bytes may be redirected
 * @param reason why it is not; {@link Reason#NONE} if it is, or {@link Reason#RULE}
 * @param ageMillis since the helper first saw it
 * @param tx what this socket sent, by the verdict
 * @param rx what its other end sent, by the verdict
 * @param tcpBytesSent bytes that TCP carried and that were acknowledged
 * @param tcpBytesReceived bytes that TCP carried
 * @param switches changes of the sending direction between TCP and redirect
 */
public record FlowView(
    long id,
    String local,
    String remote,
    int owner,
    boolean accelerated,
    Reason reason,
    long ageMillis,
    Counters tx,
    Counters rx,
    long tcpBytesSent,
    long tcpBytesReceived,
    long switches) {

  /** Counters of one direction; "passed" went by TCP although the sender is enrolled. */
  public record Counters(
      long redirectedBytes, long redirectedMessages, long passedBytes, long passedMessages) {
    /** Nothing sent. */
    public static final Counters ZERO = new Counters(0, 0, 0, 0);

    private void toWire(String direction, Map<String, String> fields) {
      fields.put(direction + "RedirectedBytes", Long.toString(redirectedBytes));
      fields.put(direction + "RedirectedMessages", Long.toString(redirectedMessages));
      fields.put(direction + "PassedBytes", Long.toString(passedBytes));
      fields.put(direction + "PassedMessages", Long.toString(passedMessages));
    }

    private static Counters fromWire(String direction, Map<String, String> fields)
        throws WireException {
      return new Counters(
          Wire.number(fields, direction + "RedirectedBytes"),
          Wire.number(fields, direction + "RedirectedMessages"),
          Wire.number(fields, direction + "PassedBytes"),
          Wire.number(fields, direction + "PassedMessages"));
    }
  }

  /** {@code accelerated} or {@code plain}. */
  public String state() {
    return accelerated ? "accelerated" : "plain";
  }

  /** The fields of a record. */
  public Map<String, String> toWire() {
    Map<String, String> fields = new LinkedHashMap<>();
    fields.put("id", Long.toUnsignedString(id));
    fields.put("local", local);
    fields.put("remote", remote);
    fields.put("owner", Integer.toString(owner));
    fields.put("state", state());
    fields.put("reason", reason.wireName());
    fields.put("ageMillis", Long.toString(ageMillis));
    tx.toWire("tx", fields);
    rx.toWire("rx", fields);
    fields.put("tcpBytesSent", Long.toString(tcpBytesSent));
    fields.put("tcpBytesReceived", Long.toString(tcpBytesReceived));
    fields.put("switches", Long.toString(switches));
    return fields;
  }

  /** Reads the fields of a record. */
  public static FlowView fromWire(Map<String, String> fields) throws WireException {
    return new FlowView(
        Wire.number(fields, "id"),
        Wire.text(fields, "local"),
        Wire.text(fields, "remote"),
        Wire.integer(fields, "owner"),
        state(Wire.text(fields, "state")),
        Reason.ofWireName(Wire.text(fields, "reason")),
        Wire.number(fields, "ageMillis"),
        Counters.fromWire("tx", fields),
        Counters.fromWire("rx", fields),
        Wire.number(fields, "tcpBytesSent"),
        Wire.number(fields, "tcpBytesReceived"),
        Wire.number(fields, "switches"));
  }

  private static boolean state(String text) throws WireException {
    return switch (text) {
      case "accelerated" -> true;
      case "plain" -> false;
      default -> throw Wire.malformed("a state that is neither accelerated nor plain");
    };
  }
}
