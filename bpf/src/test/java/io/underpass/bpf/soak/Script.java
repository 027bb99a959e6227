/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.bpf.soak;

import java.util.List;
import java.util.stream.Collectors;

/**
 * What happens to one connection, step by step. Step i of every script of a group comes before step
 * i + 1 of any, as far as an {@link Event} separates the two.
 */
record Script(Traits traits, List<Step> steps) {
  /** Who reads. */
  enum Reading {
    /** The script's read steps, without ever blocking. */
    STEPS,
    /** A thread for each end that sits in a blocking read of its channel. */
    BLOCKED_CHANNEL,
    /** A thread for each end that polls, then reads: a stream with a time-out. */
    TIMED_STREAM,
    /** A thread for each end that waits in a selector of its own. */
    SELECTOR;

    /** Whether a write blocks until all of it is taken. */
    boolean isBlocking() {
      return this == BLOCKED_CHANNEL || this == TIMED_STREAM;
    }
  }

  /** What both ends do once the steps are through, and before all is read to its end. */
  enum Finish {
    NOTHING,
    ONE_SHUTS_DOWN,
    BOTH_SHUT_DOWN
  }

  /**
   * What does not change in the life of the connection.
   *
   * @param small the program has set its buffers, to little
   */
  record Traits(boolean v6, boolean noDelay, boolean small, Reading reading, Finish finish) {}

  String text() {
    return "%s, %s%s, reading by %s, finish %s:%n%s"
        .formatted(
            traits.v6 ? "IPv6" : "IPv4",
            traits.noDelay ? "TCP_NODELAY" : "Nagle",
            traits.small ? ", small buffers" : "",
            traits.reading,
            traits.finish,
            steps.stream().map(s -> "    " + s).collect(Collectors.joining("\n")));
  }
}
