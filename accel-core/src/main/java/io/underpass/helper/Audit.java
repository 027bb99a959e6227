/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.helper;

import io.underpass.protocol.Failure;
import io.underpass.protocol.Text;
import io.underpass.protocol.WireException;
import java.io.IOException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.regex.Pattern;

/**
 * The helper's log of who registered and what was refused, or failed. A client cannot flood it, nor
 * keep others out of it, nor make lines of its own: a refusal of the same kind is counted and shown
 * at its 1st, 10th, 100th ... time, events are limited for each uid, and all text is cleaned.
 * Thread-safe.
 */
final class Audit {
  /** So many kinds of refusal are told apart; the rest is counted together. */
  private static final int MAX_KINDS = 256;

  /** They begin anew after so long, so that nobody fills them for good. */
  private static final long KINDS_NANOS = 3_600_000_000_000L;

  /** Lines a second for one uid's events. */
  private static final int MAX_EVENTS = 20;

  /** Uids whose events are shown in a second; as many as a busy host's tenants. */
  private static final int MAX_UIDS = 50;

  private static final Pattern DIGITS = Pattern.compile("[0-9]+");

  private static final String OTHER = "refused: others";

  private final Consumer<String> out;

  /** Guarded by this, as are those below. */
  private final Map<String, Long> refusals = new HashMap<>();

  /** Apart from those, which strangers make as many of as they like. */
  private final FailureLog failures = new FailureLog();

  private long refusalsSince = System.nanoTime();

  /** How many lines each uid had in this second. */
  private final Map<Integer, Integer> events = new HashMap<>();

  private long second;
  private long dropped;

  /** Lines go to {@code out}, each without a line end. */
  Audit(Consumer<String> out) {
    this.out = out;
  }

  private void say(String text) {
    out.accept("underpass: " + Text.clean(text));
  }

  /** Something ordinary happened to a uid's process. */
  synchronized void event(int uid, String text) {
    long now = System.nanoTime() / 1_000_000_000;
    if (now != second) {
      second = now;
      events.clear();
    }
    boolean known = events.containsKey(uid) || events.size() < MAX_UIDS;
    if (!known || events.merge(uid, 1, Integer::sum) > MAX_EVENTS) {
      dropped++;
      return;
    }
    if (dropped > 0) {
      say("(" + dropped + " lines left out)");
      dropped = 0;
    }
    say(text);
  }

  /** A uid was refused something. */
  void refused(int uid, WireException why) {
    refused(uid, why.code().wireName(), why.getMessage());
  }

  /** A client of this uid was too slow. */
  void timedOut(int uid) {
    refused(uid, "timeout", "");
  }

  private synchronized void refused(int uid, String kind, String detail) {
    long now = System.nanoTime();
    if (now - refusalsSince > KINDS_NANOS) {
      refusalsSince = now;
      refusals.clear();
    }
    count(refusals, kind + " uid=" + Integer.toUnsignedString(uid), detail);
  }

  /**
   * Something of the helper's own failed.
   *
   * @param what holds nothing that makes each one different
   * @param e null if there is none
   */
  synchronized void failed(String what, Throwable e) {
    String kind = e == null ? "failed: " + what : what + " failed: " + e.getClass().getSimpleName();
    String text = text(kind, e);
    sayAtPowersOfTen(failures.add(kind, text), text);
  }

  /**
   * Something of the data path failed. Lines that differ in numbers alone count as the same one.
   */
  synchronized void trouble(String line) {
    sayAtPowersOfTen(failures.add(DIGITS.matcher(line).replaceAll("#"), line), line);
  }

  /** What failed lately, the latest first. */
  synchronized List<Failure> failures() {
    return failures.latest();
  }

  /** A mistake of the helper's own says where it was made. */
  private static String text(String kind, Throwable e) {
    if (e == null) {
      return kind;
    }
    StackTraceElement[] frames = e.getStackTrace();
    boolean mistake = !(e instanceof IOException) && frames.length > 0;
    return kind + ": " + e + (mistake ? " at " + frames[0] : "");
  }

  private void count(Map<String, Long> counts, String kind, String detail) {
    boolean known = counts.containsKey(kind) || counts.size() < MAX_KINDS;
    String key = known ? kind : OTHER;
    sayAtPowersOfTen(
        counts.merge(key, 1L, Long::sum), detail.isEmpty() ? key : key + ": " + detail);
  }

  private void sayAtPowersOfTen(long count, String text) {
    if (isPowerOfTen(count)) {
      say(text + (count == 1 ? "" : " (" + count + " times)"));
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
