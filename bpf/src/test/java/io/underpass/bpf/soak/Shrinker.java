/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.bpf.soak;

import java.io.IOException;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;
import net.jqwik.api.Shrinkable;

/**
 * Makes a failing schedule smaller as long as it still fails, along what jqwik says of its parts.
 * What fails by a race does not fail each time: a candidate runs as many copies at once.
 */
final class Shrinker {
  private static final int COPIES = 48;

  /** So often a schedule has to do well alone before it is taken not to fail alone. */
  private static final int ATTEMPTS = 20;

  private final Runner runner;
  private final Regime regime;
  private final long until;
  private Shrinkable<List<Event>> events;
  private Shrinkable<Script> script;
  private Throwable cause;

  Shrinker(Runner runner, Regime regime, long nanos) {
    this.runner = runner;
    this.regime = regime;
    this.until = System.nanoTime() + nanos;
  }

  /** The smallest that failed, with how; null if the schedule does not fail alone. */
  Group.Failure shrink(Shrinkable<List<Event>> failingEvents, Shrinkable<Script> failingScript)
      throws IOException, InterruptedException {
    events = failingEvents;
    script = failingScript;
    boolean failed = false;
    for (int i = 0; i < ATTEMPTS && !failed; i++) {
      failed = fails(events, script);
    }
    if (!failed) {
      return null;
    }
    boolean smaller = true;
    while (smaller && System.nanoTime() - until < 0) {
      smaller = smallerScript() || smallerEvents();
    }
    return new Group.Failure(0, cause);
  }

  Group smallest() {
    return new Group(regime, events.value(), List.of(script.value()));
  }

  private boolean smallerScript() throws IOException, InterruptedException {
    for (Iterator<Shrinkable<Script>> all = script.shrink().iterator(); mayTry(all); ) {
      Shrinkable<Script> candidate = all.next();
      if (fails(events, candidate)) {
        script = candidate;
        return true;
      }
    }
    return false;
  }

  private boolean smallerEvents() throws IOException, InterruptedException {
    for (Iterator<Shrinkable<List<Event>>> all = events.shrink().iterator(); mayTry(all); ) {
      Shrinkable<List<Event>> candidate = all.next();
      if (fails(candidate, script)) {
        events = candidate;
        return true;
      }
    }
    return false;
  }

  private boolean mayTry(Iterator<?> candidates) {
    return System.nanoTime() - until < 0 && candidates.hasNext();
  }

  private boolean fails(Shrinkable<List<Event>> someEvents, Shrinkable<Script> someScript)
      throws IOException, InterruptedException {
    List<Group.Failure> failures =
        runner.run(
            new Group(regime, someEvents.value(), Collections.nCopies(COPIES, someScript.value())),
            new Score());
    if (failures.isEmpty()) {
      return false;
    }
    cause = failures.getFirst().cause();
    return true;
  }
}
