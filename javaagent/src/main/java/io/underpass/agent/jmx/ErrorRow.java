/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.agent.jmx;

/**
 * One row of the table: all errors of one kind.
 *
 * @param place the top frames, innermost first
 * @param first when the first one was, ISO 8601, in UTC
 * @param last when the last one was, likewise
 */
public record ErrorRow(
    String type, String message, String place, long count, String first, String last) {
  /** The class of the errors. */
  public String getType() {
    return type;
  }

  /** The message of the first one. */
  public String getMessage() {
    return message;
  }

  /** Where they were thrown. */
  public String getPlace() {
    return place;
  }

  /** How many there were. */
  public long getCount() {
    return count;
  }

  /** When the first one was. */
  public String getFirst() {
    return first;
  }

  /** When the last one was. */
  public String getLast() {
    return last;
  }
}
