/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.protocol;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * What the helper found out about one behaviour of the kernel, by trying it.
 *
 * @param name of the behaviour, such as {@code order}
 * @param outcome what follows from it
 * @param detail what was seen; empty if it is as it has to be
 */
public record Probe(String name, Outcome outcome, String detail) {
  /** What follows. */
  public enum Outcome {
    /** It is as it has to be. */
    OK,
    /** It is not, and what needs it is switched off. */
    OFF,
    /** It is not, and nothing is accelerated. */
    FAILED;

    /** In a reply, and to people. */
    public String wireName() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  private static final String PREFIX = "probe.";

  /** Adds each as a field of a reply. */
  public static void toWire(List<Probe> probes, Map<String, String> fields) {
    for (Probe probe : probes) {
      String detail = probe.detail.isEmpty() ? "" : " " + probe.detail;
      fields.put(PREFIX + probe.name, probe.outcome.wireName() + detail);
    }
  }

  /** Reads those fields; an outcome that this version does not know counts as failed. */
  public static List<Probe> fromWire(Map<String, String> fields) {
    List<Probe> probes = new ArrayList<>();
    fields.forEach(
        (name, value) -> {
          if (name.startsWith(PREFIX)) {
            String[] words = value.split(" ", 2);
            Outcome outcome = Outcome.FAILED;
            for (Outcome known : Outcome.values()) {
              if (known.wireName().equals(words[0])) {
                outcome = known;
              }
            }
            String detail = words.length > 1 ? words[1] : "";
            probes.add(new Probe(name.substring(PREFIX.length()), outcome, detail));
          }
        });
    return List.copyOf(probes);
  }

  /** Why nothing may be accelerated; empty if something may. */
  public static String refusal(List<Probe> probes) {
    for (Probe probe : probes) {
      if (probe.outcome == Outcome.FAILED) {
        return "the kernel failed the probe of " + probe.name + ": " + probe.detail;
      }
    }
    return "";
  }

  /** {@code ok}, {@code off: detail}. */
  public String verdict() {
    return outcome.wireName() + (detail.isEmpty() ? "" : ": " + detail);
  }

  /** {@code order ok}, {@code fionread off: detail}. */
  @Override
  public String toString() {
    return name + " " + verdict();
  }
}
