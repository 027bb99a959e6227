/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.bpf.soak;

import io.underpass.testing.KernelCondition;
import java.io.IOException;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import net.jqwik.api.RandomGenerator;
import net.jqwik.api.Shrinkable;
import net.jqwik.api.sessions.JqwikSession;

/**
 * {@code make soak}: random schedules for a given number of them or a given time. Ends with 1 on a
 * mismatch, which it shrinks first, or if the schedules have shown too little.
 */
final class Soak {
  private static final int GROUP = 192;
  private static final int DEFAULT_SCHEDULES = 20_000;

  /** How often the group of a seed is run again, if nothing else is said: it may be a race. */
  private static final int REPLAYS = 20;

  private static final long PROGRESS_NANOS = TimeUnit.SECONDS.toNanos(10);
  private static final long SHRINK_NANOS = TimeUnit.MINUTES.toNanos(3);

  /** Tells jqwik how far to go; its own default number of tries. */
  private static final int GEN_SIZE = 1000;

  private final Map<Regime, RandomGenerator<List<Event>>> events = new EnumMap<>(Regime.class);
  private final Map<Regime, RandomGenerator<Script>> scripts = new EnumMap<>(Regime.class);

  private final Settings settings;
  private final Score score = new Score();

  /**
   * What is asked for.
   *
   * @param schedules so many, 0 for no limit
   * @param nanos so long, 0 for no limit
   * @param seed of the run, or of the one group to replay
   * @param faults the helper is killed now and then
   * @param fault {@code UP_FAULT_*}: what the programs do wrong, for the soak's own test
   * @param shrinkNanos how long a failing schedule is made smaller
   * @param plain without a helper: then the model itself is tested, against TCP
   */
  private record Settings(
      long schedules,
      long nanos,
      long seed,
      boolean replay,
      boolean plain,
      boolean faults,
      int fault,
      long shrinkNanos) {
    static Settings of(String[] arguments) {
      long schedules = 0;
      long minutes = 0;
      boolean plain = false;
      boolean faults = false;
      boolean replay = false;
      int fault = 0;
      long shrinkNanos = SHRINK_NANOS;
      long seed = System.nanoTime() ^ ProcessHandle.current().pid();
      for (String argument : arguments) {
        String[] parts = argument.split("=", 2);
        if (parts.length < 2 || parts[1].isEmpty()) {
          continue; // what the Makefile's caller left open
        }
        switch (parts[0]) {
          case "SCHEDULES" -> schedules = Long.parseLong(parts[1]);
          case "MINUTES" -> minutes = Long.parseLong(parts[1]);
          case "PLAIN" -> plain = parts[1].equals("1");
          case "FAULTS" -> faults = parts[1].equals("1");
          case "FAULT" -> fault = Integer.parseInt(parts[1]);
          case "SHRINK" -> shrinkNanos = TimeUnit.SECONDS.toNanos(Long.parseLong(parts[1]));
          case "SEED" -> {
            seed = Long.parseLong(parts[1]);
            replay = true;
          }
          default -> throw new IllegalArgumentException("unknown: " + argument);
        }
      }
      if (schedules == 0 && minutes == 0) {
        schedules = replay ? REPLAYS * GROUP : DEFAULT_SCHEDULES;
      }
      return new Settings(
          schedules,
          TimeUnit.MINUTES.toNanos(minutes),
          seed,
          replay,
          plain,
          faults,
          fault,
          shrinkNanos);
    }

    boolean isOver(long done, long nanosPassed) {
      return (schedules > 0 && done >= schedules) || (nanos > 0 && nanosPassed >= nanos);
    }
  }

  private Soak(Settings settings) {
    this.settings = settings;
    for (Regime regime : Regime.values()) {
      events.put(regime, Schedules.events(regime, settings.faults).generator(GEN_SIZE, false));
      scripts.put(regime, Schedules.scripts(regime).generator(GEN_SIZE, false));
    }
  }

  public static void main(String[] arguments) throws Exception {
    String missing = KernelCondition.missing().orElse(null);
    if (missing != null) {
      System.err.println("soak: " + missing);
      System.exit(1);
    }
    Settings settings = Settings.of(arguments);
    boolean[] good = new boolean[1];
    JqwikSession.run(() -> good[0] = new Soak(settings).run());
    System.exit(good[0] ? 0 : 1);
  }

  private boolean run() throws IOException, InterruptedException {
    try (Enrolment enrolment =
            settings.plain ? null : new Enrolment(settings.faults, settings.fault);
        Runner runner = new Runner(enrolment, Runner.defaultWorkers())) {
      if (enrolment != null) {
        Runtime.getRuntime().addShutdownHook(new Thread(() -> leaveNothing(enrolment)));
      }
      long start = System.nanoTime();
      long told = start;
      boolean good = true;
      Random seeds = new Random(settings.seed);
      while (good && !settings.isOver(score.schedules(), System.nanoTime() - start)) {
        long seed = settings.replay ? settings.seed : seeds.nextLong();
        try {
          good = runGroup(seed, runner);
        } catch (IOException e) {
          if (enrolment == null || !enrolment.isClosed()) {
            throw e;
          }
          System.out.println("soak: interrupted");
          good = false;
        }
        if (System.nanoTime() - told >= PROGRESS_NANOS) {
          told = System.nanoTime();
          System.out.printf(
              "soak: %4d s: %s%n", TimeUnit.NANOSECONDS.toSeconds(told - start), score.progress());
        }
      }
      System.out.printf(
          "soak: %d s%n%s",
          TimeUnit.NANOSECONDS.toSeconds(System.nanoTime() - start), score.report());
      if (settings.faults) {
        System.out.printf("helpers killed       %,15d%n", enrolment.kills());
      }
    }
    List<String> little = settings.plain ? List.of() : score.missing();
    little.forEach(line -> System.out.println("soak: too little shown: " + line));
    return score.mismatches() == 0 && little.isEmpty();
  }

  /** When it is interrupted: pins and cgroup programs would stay until the next test's start. */
  private static void leaveNothing(Enrolment enrolment) {
    try {
      enrolment.close();
    } catch (IOException e) {
      System.err.println("soak: could not clean up: " + e);
    }
  }

  private boolean runGroup(long seed, Runner runner) throws IOException, InterruptedException {
    Random random = new Random(seed);
    Regime regime = Schedules.regime(random);
    Shrinkable<List<Event>> someEvents = events.get(regime).next(random);
    List<Shrinkable<Script>> someScripts = new ArrayList<>();
    for (int i = 0; i < GROUP; i++) {
      someScripts.add(scripts.get(regime).next(random));
    }
    Group group =
        new Group(
            regime,
            someEvents.value(),
            someScripts.stream().map(Shrinkable::value).collect(Collectors.toList()));
    List<Group.Failure> failures = runner.run(group, score);
    if (failures.isEmpty()) {
      return true;
    }
    Group.Failure first = failures.getFirst();
    System.out.printf(
        "soak: MISMATCH in %d of the %d schedules of a group; replay: make soak%s SEED=%d%n%s%n",
        failures.size(),
        GROUP,
        settings.faults ? " FAULTS=1" : "",
        seed,
        group.text(first.index()));
    first.cause().printStackTrace(System.out);
    // One that hangs makes others fail that wait for it: the first need not be the cause.
    for (Group.Failure each : failures.subList(1, failures.size())) {
      System.out.printf("soak: and schedule %d: %s%n", each.index(), each.cause());
    }
    shrink(
        new Shrinker(runner, regime, settings.shrinkNanos),
        someEvents,
        someScripts.get(first.index()));
    return false;
  }

  private static void shrink(
      Shrinker shrinker, Shrinkable<List<Event>> someEvents, Shrinkable<Script> script)
      throws IOException, InterruptedException {
    System.out.println("soak: shrinking");
    Group.Failure smallest = shrinker.shrink(someEvents, script);
    if (smallest == null) {
      System.out.println("soak: alone it does not fail; a replay runs the whole group");
    } else {
      System.out.printf(
          "soak: shrunk to%n%s%n  %s%n", shrinker.smallest().text(0), smallest.cause());
    }
  }
}
