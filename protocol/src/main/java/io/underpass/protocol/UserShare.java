/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.protocol;

import java.util.LinkedHashMap;
import java.util.Map;

/**
 * What the sockets of one user take of the helper's tables.
 *
 * @param uid in the initial user namespace
 * @param sockets that are known
 * @param enrolled of them
 * @param messages that may be queued for these, all together
 * @param refused how many sockets found no share left, ever since
 */
public record UserShare(int uid, long sockets, long enrolled, long messages, long refused) {
  private static final String USER = "user";

  /** Whether a record of a reply is of a user's share. */
  static boolean isOne(Map<String, String> record) {
    return record.containsKey(USER);
  }

  static UserShare fromWire(Map<String, String> fields) throws WireException {
    return new UserShare(
        (int) Wire.number(fields, USER, 0xffff_ffffL),
        Wire.number(fields, "sockets"),
        Wire.number(fields, "enrolled"),
        Wire.number(fields, "messages"),
        Wire.number(fields, "refused"));
  }

  Map<String, String> toWire() {
    Map<String, String> fields = new LinkedHashMap<>();
    fields.put(USER, Integer.toUnsignedString(uid));
    fields.put("sockets", Long.toString(sockets));
    fields.put("enrolled", Long.toString(enrolled));
    fields.put("messages", Long.toString(messages));
    fields.put("refused", Long.toString(refused));
    return fields;
  }
}
