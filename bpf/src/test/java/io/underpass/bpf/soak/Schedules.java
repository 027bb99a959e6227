/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.bpf.soak;

import io.underpass.bpf.soak.Event.Action;
import io.underpass.bpf.soak.Script.Finish;
import io.underpass.bpf.soak.Script.Reading;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.RandomDistribution;
import net.jqwik.api.Tuple;

/**
 * The random schedules. What is rare in programs but ends a connection is rare here too, so that
 * most of them live long enough to be enrolled, redirected and taken off.
 */
final class Schedules {
  static final int MOST_STEPS = 40;
  private static final int MOST_EVENTS = 6;
  private static final int MOST_EVENTS_BY_TRAFFIC = 10;
  static final int LARGEST = 1 << 20;
  private static final int MOST_PIECES = 24; // a message has 17 fragments at most
  private static final int MOST_TIMES = 24;
  private static final int TRAFFIC_ONE_IN = 4;

  private Schedules() {}

  /** Of a group, drawn from its seed. */
  static Regime regime(Random random) {
    return random.nextInt(TRAFFIC_ONE_IN) == 0 ? Regime.TRAFFIC : Regime.EVERY;
  }

  static Arbitrary<Script> scripts(Regime regime) {
    // As many short ones as long ones: jqwik's own choice is mostly short, which shows little.
    Arbitrary<List<Step>> steps =
        step(regime)
            .list()
            .ofMinSize(4)
            .ofMaxSize(MOST_STEPS)
            .withSizeDistribution(RandomDistribution.uniform());
    return Combinators.combine(traits(), steps).as(Script::new);
  }

  /**
   * The events of a group, in order; the first comes early, or there would be little to see. What
   * the traffic decides takes many sweeps, and it is not to be undone by an event at once.
   */
  static Arbitrary<List<Event>> events(Regime regime, boolean faults) {
    boolean traffic = regime == Regime.TRAFFIC;
    Arbitrary<Action> actions =
        Arbitraries.frequency(
            Tuple.of(traffic ? 40 : 6, Action.SWEEP),
            Tuple.of(2, Action.UNENROL),
            Tuple.of(3, Action.ENROL),
            Tuple.of(1, Action.PAUSE),
            Tuple.of(2, Action.RESUME),
            Tuple.of(faults ? 2 : 0, Action.KILL));
    Arbitrary<Event> any =
        Combinators.combine(
                Arbitraries.integers().between(0, MOST_STEPS - 4),
                actions,
                Arbitraries.of(false, true))
            .as(Event::new);
    Arbitrary<Event> first =
        Combinators.combine(Arbitraries.integers().between(0, 4), Arbitraries.of(false, true))
            .as((tick, racing) -> new Event(tick, Action.SWEEP, racing));
    Arbitrary<List<Event>> others =
        traffic
            ? any.list()
                .ofMinSize(MOST_EVENTS_BY_TRAFFIC / 2)
                .ofMaxSize(MOST_EVENTS_BY_TRAFFIC - 1)
                .withSizeDistribution(RandomDistribution.uniform())
            : any.list().ofMaxSize(MOST_EVENTS - 1);
    return Combinators.combine(first, others).as(Schedules::with);
  }

  /**
   * Of which at least one, and hardly more, kills the helper: it takes a second. Whatever else
   * happens, the next one takes flows off, and up again.
   */
  static Arbitrary<List<Event>> eventsWithKill() {
    Arbitrary<Event> kill =
        Combinators.combine(ints(2, MOST_STEPS / 2), Arbitraries.of(false, true))
            .as((tick, racing) -> new Event(tick, Action.KILL, racing));
    return Combinators.combine(kill, events(Regime.EVERY, false))
        .as(
            (killed, others) -> {
              Event off = new Event(killed.tick() + 1, Action.UNENROL, false);
              Event up = new Event(killed.tick() + 2, Action.ENROL, false);
              return with(killed, with(off, with(up, others)));
            });
  }

  private static List<Event> with(Event one, List<Event> others) {
    List<Event> all = new ArrayList<>(others);
    all.add(one);
    all.sort(Comparator.comparingInt(Event::tick));
    return all;
  }

  private static Arbitrary<Script.Traits> traits() {
    return Combinators.combine(
            Arbitraries.of(false, true),
            Arbitraries.of(true, false),
            Arbitraries.frequency(Tuple.of(7, false), Tuple.of(1, true)),
            Arbitraries.frequency(
                Tuple.of(16, Reading.STEPS),
                Tuple.of(1, Reading.BLOCKED_CHANNEL),
                Tuple.of(1, Reading.TIMED_STREAM),
                Tuple.of(1, Reading.SELECTOR)),
            Arbitraries.frequency(
                Tuple.of(3, Finish.NOTHING),
                Tuple.of(6, Finish.ONE_SHUTS_DOWN),
                Tuple.of(2, Finish.BOTH_SHUT_DOWN)))
        .as(Script.Traits::new);
  }

  private static Arbitrary<Step> step(Regime regime) {
    Arbitrary<Side> side = Arbitraries.of(Side.class);
    Arbitrary<Integer> pieces =
        Arbitraries.frequencyOf(
            Tuple.of(9, Arbitraries.just(1)), Tuple.of(1, ints(2, MOST_PIECES)));
    Arbitrary<Integer> sizes =
        Arbitraries.frequencyOf(
            Tuple.of(120, ints(1, 1_500)),
            Tuple.of(60, ints(1, 20_000)),
            Tuple.of(16, ints(1, 150_000)),
            Tuple.of(1, ints(1, LARGEST)));
    Arbitrary<Integer> most =
        Arbitraries.frequencyOf(
            Tuple.of(8, Arbitraries.just(LARGEST)),
            Tuple.of(2, ints(1, 20_000)),
            Tuple.of(1, ints(1, 100)));
    return Arbitraries.frequencyOf(
        Tuple.of(200, Combinators.combine(side, sizes, pieces).as(Step.Write::new)),
        Tuple.of(
            regime == Regime.TRAFFIC
                ? 120
                : 20, // there is something to judge only where much is sent
            Combinators.combine(side, ints(2, MOST_TIMES), ints(1, 1_500)).as(Step.Burst::new)),
        Tuple.of(260, Combinators.combine(side, most, pieces).as(Step.Read::new)),
        Tuple.of(20, side.map(Step.Available::new)),
        Tuple.of(8, ints(1, 300).map(Step.Pause::new)),
        Tuple.of(4, side.map(Step.PinTcp::new)),
        Tuple.of(2, side.map(Step.Urgent::new)),
        Tuple.of(8, Combinators.combine(side, ints(1, 3 * LARGEST)).as(Step.Flood::new)),
        Tuple.of(5, side.map(Step.Shutdown::new)),
        Tuple.of(
            5,
            Combinators.combine(side, Arbitraries.frequency(Tuple.of(3, false), Tuple.of(1, true)))
                .as(Step.Close::new)));
  }

  private static Arbitrary<Integer> ints(int least, int most) {
    return Arbitraries.integers().between(least, most);
  }
}
