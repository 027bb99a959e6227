/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.protocol;

import java.util.ArrayList;
import java.util.List;

/**
 * A list of ports as people write it, {@code 8080;9000-9100}, or {@code *} for every port that the
 * policy allows. Its text is kept, since messages name it.
 *
 * @param text as written
 * @param ranges in the order written; empty for none
 */
public record PortRanges(String text, List<Range> ranges) {
  /** As many as the kernel side has room for. */
  public static final int MAX_RANGES = 16;

  /** Below, a port is bound with privilege only. */
  public static final int FIRST_UNPRIVILEGED = 1024;

  public static final int LAST = 65535;

  private static final String EVERY = "*";

  /** No port. */
  public static final PortRanges NONE = new PortRanges("", List.of());

  /** Both ends belong to it. */
  public record Range(int from, int to) {
    boolean contains(Range other) {
      return from <= other.from && other.to <= to;
    }

    boolean overlaps(Range other) {
      return from <= other.to && other.from <= to;
    }

    @Override
    public String toString() {
      return from == to ? Integer.toString(from) : from + "-" + to;
    }
  }

  /**
   * Reads a list.
   *
   * @throws IllegalArgumentException naming the part that is no port or no range
   */
  public static PortRanges parse(String text) {
    if (text.equals(EVERY)) {
      return new PortRanges(text, List.of(new Range(1, LAST)));
    }
    List<Range> ranges = new ArrayList<>();
    int at = 0;
    while (at <= text.length()) {
      int semicolon = text.indexOf(';', at);
      int end = semicolon < 0 ? text.length() : semicolon;
      ranges.add(range(text.substring(at, end)));
      if (ranges.size() > MAX_RANGES) {
        throw new IllegalArgumentException("there are more than " + MAX_RANGES + " ranges");
      }
      at = end + 1;
    }
    return new PortRanges(text, List.copyOf(ranges));
  }

  private static Range range(String text) {
    int dash = text.indexOf('-');
    if (dash < 0) {
      int port = port(text);
      return new Range(port, port);
    }
    Range range = new Range(port(text.substring(0, dash)), port(text.substring(dash + 1)));
    if (range.from > range.to) {
      throw new IllegalArgumentException("the range " + text + " is reversed");
    }
    return range;
  }

  private static int port(String text) {
    int port = 0;
    for (int i = 0; i < text.length() && port <= LAST; i++) {
      char c = text.charAt(i);
      port = c >= '0' && c <= '9' ? port * 10 + c - '0' : LAST + 1;
    }
    if (port < 1 || port > LAST) {
      throw new IllegalArgumentException("\"" + text + "\" is no port from 1 to " + LAST);
    }
    return port;
  }

  public boolean isEmpty() {
    return ranges.isEmpty();
  }

  /** Whether it is written as {@code *}. */
  public boolean isEvery() {
    return text.equals(EVERY);
  }

  /** Without the ports below {@link #FIRST_UNPRIVILEGED}; for {@code *}, which names none. */
  public PortRanges withoutLow() {
    return new PortRanges(text, List.of(new Range(FIRST_UNPRIVILEGED, LAST)));
  }

  /** The first range with a port below {@link #FIRST_UNPRIVILEGED}; null if there is none. */
  public Range firstLow() {
    for (Range range : ranges) {
      if (range.from < FIRST_UNPRIVILEGED) {
        return range;
      }
    }
    return null;
  }

  /** The first of these ranges that is not within one of the others; null if all are. */
  public Range firstOutside(List<Range> others) {
    for (Range range : ranges) {
      if (others.stream().noneMatch(other -> other.contains(range))) {
        return range;
      }
    }
    return null;
  }

  /** The lowest port that is in this range and in one of these; 0 if there is none. */
  public int firstCommon(Range other) {
    for (Range range : ranges) {
      if (range.overlaps(other)) {
        return Math.max(range.from, other.from);
      }
    }
    return 0;
  }

  @Override
  public String toString() {
    return text;
  }
}
