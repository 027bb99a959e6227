/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.bpf.soak;

import java.util.List;

/**
 * Scripts that run at the same time, each over a connection of its own, under the same events: the
 * cost of an event is then shared.
 */
record Group(Regime regime, List<Event> events, List<Script> scripts) {
  /** A script whose connection did not do as TCP does. */
  record Failure(int index, Throwable cause) {}

  String text(int index) {
    return "  taken up: %s; events: %s%n  %s".formatted(regime, events, scripts.get(index).text());
  }
}
