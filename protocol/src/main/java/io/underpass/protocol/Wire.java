/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.protocol;

import java.net.URLEncoder;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * The codec of the protocol's fields, {@code name=value} separated by single spaces, and the bounds
 * of its lines.
 *
 * <p>Reading is strict, since a helper with privilege reads what anybody sends: a line is printable
 * ASCII, a name is {@code [A-Za-z][A-Za-z0-9.-]*} and occurs once, a value is well-formed
 * percent-encoded UTF-8. Nothing is repaired.
 */
public final class Wire {
  /** Longest request, in bytes, with its line end. */
  public static final int MAX_REQUEST = 1024;

  /**
   * Longest line of a reply, in bytes, with its line end: a flow with every counter at its widest
   * is under 900.
   */
  public static final int MAX_REPLY_LINE = 4096;

  /** Longest reply, in bytes: {@link #MAX_FLOWS} flows at their widest, twice over. */
  public static final int MAX_REPLY = 2 << 20;

  /** Most flows that one request may ask for. */
  public static final int MAX_FLOWS = 1000;

  /** More than any text that people are to read whole. */
  static final int MAX_TEXT = 1000;

  /** More names than any line of the protocol has. */
  private static final int MAX_FIELDS = 64;

  private Wire() {}

  /** The fields as they stand in a line, each with a space before it. */
  static String format(Map<String, String> fields) {
    StringBuilder line = new StringBuilder(fields.size() * 24);
    // A loop, and no string concatenation, on the way of a request: the first lambda of a JVM is
    // milliseconds.
    for (Map.Entry<String, String> field : fields.entrySet()) {
      if (!isName(field.getKey())) {
        throw new IllegalArgumentException("not a field name: " + field.getKey());
      }
      line.append(' ').append(field.getKey()).append('=');
      line.append(URLEncoder.encode(field.getValue(), StandardCharsets.UTF_8));
    }
    return line.toString();
  }

  /**
   * The fields of a line from {@code start} on, in their order; each has exactly one space before
   * it.
   */
  static Map<String, String> parse(String line, int start) throws WireException {
    Map<String, String> fields = new LinkedHashMap<>();
    int at = start;
    while (at < line.length()) {
      if (line.charAt(at) != ' ') {
        throw malformed("a space is missing at character " + at);
      }
      int end = line.indexOf(' ', at + 1);
      if (end < 0) {
        end = line.length();
      }
      int equals = line.indexOf('=', at + 1);
      if (equals < 0 || equals >= end) {
        throw malformed("no name=value at character " + (at + 1));
      }
      String name = line.substring(at + 1, equals);
      if (!isName(name)) {
        throw malformed("no field name at character " + (at + 1));
      }
      if (fields.put(name, decode(line, equals + 1, end)) != null) {
        throw malformed(name + " occurs twice");
      }
      if (fields.size() > MAX_FIELDS) {
        throw malformed("more than " + MAX_FIELDS + " fields");
      }
      at = end;
    }
    return Collections.unmodifiableMap(fields);
  }

  /**
   * The number of that name; a field that is missing, or no number of {@code 0..max}, is malformed.
   */
  static long number(Map<String, String> fields, String name, long max) throws WireException {
    String text = text(fields, name);
    boolean digits = !text.isEmpty() && text.length() <= 19;
    for (int i = 0; digits && i < text.length(); i++) {
      digits = text.charAt(i) >= '0' && text.charAt(i) <= '9';
    }
    // 19 digits fit an unsigned long; one past Long.MAX_VALUE shows as negative.
    long value = digits ? Long.parseUnsignedLong(text) : -1;
    if (value < 0 || value > max) {
      throw malformed(name + " is no number from 0 to " + max);
    }
    return value;
  }

  /** The number of that name, 0 or more. */
  static long number(Map<String, String> fields, String name) throws WireException {
    return number(fields, name, Long.MAX_VALUE);
  }

  /** The number of that name, 0 or more, as an {@code int}. */
  static int integer(Map<String, String> fields, String name) throws WireException {
    return (int) number(fields, name, Integer.MAX_VALUE);
  }

  /** The value of that name; a field that is missing is malformed. */
  static String text(Map<String, String> fields, String name) throws WireException {
    String value = fields.get(name);
    if (value == null) {
      throw malformed(name + " is missing");
    }
    return value;
  }

  /**
   * The text as it may be shown: on one line, without what moves a terminal's cursor or turns the
   * direction of reading, and no longer than {@link #MAX_TEXT} characters.
   */
  static String clean(String text) {
    StringBuilder shown = null;
    int length = Math.min(text.length(), MAX_TEXT);
    for (int i = 0; i < length; i++) {
      if (!isShown(text.charAt(i))) {
        if (shown == null) {
          shown = new StringBuilder(text);
        }
        shown.setCharAt(i, '?');
      }
    }
    String whole = shown == null ? text : shown.toString();
    return length == whole.length() ? whole : whole.substring(0, length - 3) + "...";
  }

  private static boolean isShown(char c) {
    return switch (Character.getType(c)) {
      case Character.CONTROL,
          Character.FORMAT,
          Character.LINE_SEPARATOR,
          Character.PARAGRAPH_SEPARATOR,
          Character.SURROGATE ->
          false;
      default -> true;
    };
  }

  static WireException malformed(String message) {
    return new WireException(ErrorCode.MALFORMED, message);
  }

  private static boolean isName(String name) {
    if (name.isEmpty() || !isLetter(name.charAt(0))) {
      return false;
    }
    for (int i = 1; i < name.length(); i++) {
      char c = name.charAt(i);
      if (!isLetter(c) && (c < '0' || c > '9') && c != '.' && c != '-') {
        return false;
      }
    }
    return true;
  }

  private static boolean isLetter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  }

  /**
   * Undoes the percent-encoding; unlike {@link java.net.URLDecoder} it lets no malformed UTF-8
   * through.
   */
  private static String decode(String line, int start, int end) throws WireException {
    ByteBuffer bytes = ByteBuffer.allocate(end - start);
    for (int i = start; i < end; i++) {
      char c = line.charAt(i);
      if (c == '%') {
        int high = i + 2 < end ? Character.digit(line.charAt(i + 1), 16) : -1;
        int low = i + 2 < end ? Character.digit(line.charAt(i + 2), 16) : -1;
        if (high < 0 || low < 0) {
          throw malformed("a broken %-escape at character " + i);
        }
        bytes.put((byte) (high << 4 | low));
        i += 2;
      } else if (c <= ' ' || c >= 0x7f || c == '=') {
        throw malformed("a character that has to be escaped at character " + i);
      } else {
        bytes.put((byte) (c == '+' ? ' ' : c));
      }
    }
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(bytes.flip()).toString();
    } catch (CharacterCodingException e) {
      throw malformed("a value that is not UTF-8 at character " + start);
    }
  }
}
