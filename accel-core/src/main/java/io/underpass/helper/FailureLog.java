/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.helper;

import io.underpass.protocol.Failure;
import io.underpass.protocol.Text;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Keeps each kind of failure of the helper once, with its count and its times; so what failed is
 * known after the log has been rotated away. Not thread-safe.
 */
final class FailureLog {
  /** So many kinds are told apart; the rest is counted together. */
  static final int MAX_KINDS = 256;

  /** So many are listed. */
  private static final int MAX_LISTED = 32;

  /** Characters; a message may quote a verifier's log. */
  private static final int MAX_TEXT = 300;

  private static final String OTHERS = "others";

  private final Map<String, Failure> kinds = new LinkedHashMap<>();

  /**
   * Adds one.
   *
   * @param kind what is the same in each of its kind
   * @param text what failed, and how
   * @return how many there are of its kind now
   */
  long add(String kind, String text) {
    boolean known = kinds.containsKey(kind) || kinds.size() < MAX_KINDS;
    String key = known ? kind : OTHERS;
    long now = System.currentTimeMillis();
    String clean = Text.clean(text.length() <= MAX_TEXT ? text : text.substring(0, MAX_TEXT));
    Failure before = kinds.get(key);
    Failure after =
        before == null
            ? new Failure(clean, 1, now, now)
            : new Failure(clean, before.count() + 1, before.firstMillis(), now);
    kinds.put(key, after);
    return after.count();
  }

  /** Those that failed last, the latest first. */
  List<Failure> latest() {
    return kinds.values().stream()
        .sorted(Comparator.comparingLong(Failure::lastMillis).reversed())
        .limit(MAX_LISTED)
        .toList();
  }
}
