package io.underpass.helper;

import java.util.HashMap;
import java.util.Map;
import java.util.function.Consumer;

/**
 * The helper's log of who registered and what was refused. A client cannot flood it: a refusal of
 * the same kind is counted and shown at its 1st, 10th, 100th ... time, and events are limited in
 * each second.
 */
final class Audit {
  /** So many kinds of refusal are told apart; the rest is counted together. */
  private static final int MAX_KINDS = 256;

  private static final int MAX_EVENTS_A_SECOND = 20;
  private static final String OTHER = "refused: others";

  private final Consumer<String> out;

  /** Guarded by this, as are those below. */
  private final Map<String, Long> counts = new HashMap<>();

  private long second;
  private int inSecond;
  private long dropped;

  /** Lines go to {@code out}, each without a line end. */
  Audit(Consumer<String> out) {
    this.out = out;
  }

  /** Something ordinary happened. */
  synchronized void event(String text) {
    long now = System.nanoTime() / 1_000_000_000;
    if (now != second) {
      second = now;
      inSecond = 0;
    }
    if (++inSecond > MAX_EVENTS_A_SECOND) {
      dropped++;
      return;
    }
    if (dropped > 0) {
      out.accept("underpass: (" + dropped + " lines left out)");
      dropped = 0;
    }
    out.accept("underpass: " + text);
  }

  /** Something was refused or failed; {@code kind} holds nothing that makes each one different. */
  synchronized void refused(String kind, String detail) {
    boolean known = counts.containsKey(kind) || counts.size() < MAX_KINDS;
    String key = known ? kind : OTHER;
    long count = counts.merge(key, 1L, Long::sum);
    if (isPowerOfTen(count)) {
      String times = count == 1 ? "" : " (" + count + " times)";
      out.accept("underpass: " + key + (detail.isEmpty() ? "" : ": " + detail) + times);
    }
  }

  private static boolean isPowerOfTen(long count) {
    long n = count;
    while (n % 10 == 0) {
      n /= 10;
    }
    return n == 1;
  }
}
