/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.protocol;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * One reply: {@code OK} with fields and records, or {@code ERR} with a code and a message.
 *
 * @param code null for {@code OK}
 */
public record Reply(ErrorCode code, Map<String, String> fields, List<Map<String, String>> records) {
  private static final String END = ".";

  /** A reply without records. */
  public static Reply ok(Map<String, String> fields) {
    return ok(fields, List.of());
  }

  /** A reply with records. */
  public static Reply ok(Map<String, String> fields, List<Map<String, String>> records) {
    return new Reply(null, fields, records);
  }

  /** A refusal; the message is one sentence for people. */
  public static Reply error(ErrorCode code, String message) {
    Map<String, String> fields = new LinkedHashMap<>();
    fields.put("code", code.wireName());
    fields.put("message", message);
    return new Reply(code, fields, List.of());
  }

  /** This reply if it is {@code OK}. */
  public Reply orThrow() throws WireException {
    if (code != null) {
      throw new WireException(code, Wire.text(fields, "message"));
    }
    return this;
  }

  /** The text of a field; malformed if it is missing. */
  public String text(String name) throws WireException {
    return Wire.text(fields, name);
  }

  /** The number of a field, 0 or more; malformed if it is missing. */
  public long number(String name) throws WireException {
    return Wire.number(fields, name);
  }

  /** All lines, with their line ends. */
  public byte[] toBytes() {
    StringBuilder text = new StringBuilder(64 + records.size() * 400);
    text.append(code == null ? "OK" : "ERR").append(Wire.format(fields)).append('\n');
    for (Map<String, String> record : records) {
      text.append('-').append(Wire.format(record)).append('\n');
    }
    return text.append(END).append('\n').toString().getBytes(StandardCharsets.US_ASCII);
  }

  /**
   * Puts a reply together from its lines. Whatever is said comes from outside and goes to
   * terminals, logs and JMX, so each value is made fit for that ({@link Wire#clean}). Not
   * thread-safe: one belongs to one request.
   */
  public static final class Parser {
    private final List<Map<String, String>> records = new ArrayList<>();
    private ErrorCode code;
    private Map<String, String> fields;
    private int size;

    /**
     * Takes the next line, without its line end.
     *
     * @return the reply if this line ends it, else null
     */
    public Reply accept(String line) throws WireException {
      size += line.length() + 1;
      if (size > Wire.MAX_REPLY) {
        throw new WireException(
            ErrorCode.TOO_LONG, "a reply of more than " + Wire.MAX_REPLY + " bytes");
      }
      if (fields == null) {
        first(line);
        return null;
      }
      if (line.equals(END)) {
        return new Reply(code, fields, List.copyOf(records));
      }
      if (!line.startsWith("-") || code != null) {
        throw Wire.malformed("a line of a reply that is no record");
      }
      records.add(clean(Wire.parse(line, 1)));
      return null;
    }

    private void first(String line) throws WireException {
      if (line.equals("OK") || line.startsWith("OK ")) {
        fields = clean(Wire.parse(line, 2));
      } else if (line.startsWith("ERR ")) {
        fields = clean(Wire.parse(line, 3));
        code = ErrorCode.ofWireName(Wire.text(fields, "code"));
        Wire.text(fields, "message");
      } else {
        throw Wire.malformed("a reply that begins neither with OK nor with ERR");
      }
    }

    private static Map<String, String> clean(Map<String, String> fields) {
      Map<String, String> cleaned = new LinkedHashMap<>();
      for (Map.Entry<String, String> field : fields.entrySet()) {
        cleaned.put(field.getKey(), Wire.clean(field.getValue()));
      }
      return Collections.unmodifiableMap(cleaned);
    }
  }
}
