/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.protocol;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * How an orderly stop ended.
 *
 * @param removed whether nothing of acceleration is in the kernel any more; else the maps, paused,
 *     stay pinned, so that no socket loses what it has not read
 * @param left how many sockets are still enrolled; 0 if removed
 * @param groups how many ports and addresses JVMs hold as members of port groups; if not 0, port
 *     groups stay pinned, and work on
 * @param held the sockets that are left, those that can be named
 */
public record Drained(boolean removed, int left, int groups, List<Held> held) {
  /** No more of them are named in one reply. */
  public static final int MAX_HELD = 100;

  /**
   * A socket that could not be taken off.
   *
   * @param pid its owner's
   * @param unread bytes that were redirected to it and not read yet
   */
  public record Held(int pid, String local, String remote, long unread) {
    private Map<String, String> toWire() {
      Map<String, String> fields = new LinkedHashMap<>();
      fields.put("pid", Integer.toString(pid));
      fields.put("local", local);
      fields.put("remote", remote);
      fields.put("unread", Long.toString(unread));
      return fields;
    }

    private static Held fromWire(Map<String, String> fields) throws WireException {
      return new Held(
          Wire.integer(fields, "pid"),
          Wire.text(fields, "local"),
          Wire.text(fields, "remote"),
          Wire.number(fields, "unread"));
    }

    /** One line for people. */
    @Override
    public String toString() {
      String why =
          unread > 0
              ? " has not read " + unread + " bytes from "
              : " could not be taken off, though it has read all bytes from ";
      return "pid " + pid + ": " + local + why + remote;
    }
  }

  /** The whole reply. */
  public Reply toReply() {
    Map<String, String> fields = new LinkedHashMap<>();
    fields.put("removed", removed ? "1" : "0");
    fields.put("left", Integer.toString(left));
    fields.put("groups", Integer.toString(groups));
    return Reply.ok(fields, held.stream().limit(MAX_HELD).map(Held::toWire).toList());
  }

  /** Reads a whole reply. */
  public static Drained fromReply(Reply reply) throws WireException {
    Map<String, String> fields = reply.orThrow().fields();
    List<Held> held = new ArrayList<>();
    for (Map<String, String> record : reply.records()) {
      held.add(Held.fromWire(record));
    }
    return new Drained(
        Wire.number(fields, "removed", 1) == 1,
        Wire.integer(fields, "left"),
        Wire.integer(fields, "groups"),
        List.copyOf(held));
  }
}
