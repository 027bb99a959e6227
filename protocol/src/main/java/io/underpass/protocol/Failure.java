/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.protocol;

import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Something of the helper's own that failed, one or more times.
 *
 * @param what failed, and how, the last time
 * @param count how often it did
 * @param firstMillis when it did first, in milliseconds since 1970
 * @param lastMillis when it did last
 */
public record Failure(String what, long count, long firstMillis, long lastMillis) {
  private static final String FAILURE = "failure";

  /** Whether a record of a reply is of a failure. */
  static boolean isOne(Map<String, String> record) {
    return record.containsKey(FAILURE);
  }

  static Failure fromWire(Map<String, String> fields) throws WireException {
    return new Failure(
        Wire.text(fields, FAILURE),
        Wire.number(fields, "count"),
        Wire.number(fields, "first"),
        Wire.number(fields, "last"));
  }

  Map<String, String> toWire() {
    Map<String, String> fields = new LinkedHashMap<>();
    fields.put(FAILURE, what);
    fields.put("count", Long.toString(count));
    fields.put("first", Long.toString(firstMillis));
    fields.put("last", Long.toString(lastMillis));
    return fields;
  }
}
