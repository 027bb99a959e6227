/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.bpf.soak;

import io.underpass.accel.Tuning;

/** What decides which flows are accelerated while a group runs. */
enum Regime {
  /** Every pair is taken up as soon as it is found, and leaves only when an event makes it. */
  EVERY,

  /**
   * The traffic, as in use, but judged after so few messages that the flows of a schedule leave by
   * themselves, and come back by themselves, while it runs; with a bound on queued messages that
   * some of them reach, and a time after which they pass one that some of them last.
   */
  TRAFFIC;

  /**
   * @param fault {@code UP_FAULT_*}, to have the programs do wrong; 0 in use
   */
  Tuning tuning(int fault) {
    Tuning tuning =
        switch (this) {
          case EVERY -> Tuning.DEFAULT.withTakeEvery(true);
          case TRAFFIC ->
              Tuning.DEFAULT
                  .withKnob("min_segments", 1)
                  .withKnob("one_way_factor", 4)
                  .withKnob("judge_messages", 3)
                  .withKnob("judge_messages_max", 12)
                  .withKnob("contended_costs", 0)
                  .withKnob("trial_segments", 1)
                  .withKnob("answer_segments", 1)
                  .withKnob("judge_mask", 0)
                  .withKnob("judge_without_room_ns", 0)
                  .withKnob("most_queued", 4)
                  .withKnob("keep_alive_ns", 5_000_000);
        };
    return fault == 0 ? tuning : tuning.withKnob("fault", fault);
  }
}
