/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.bpf.soak;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.underpass.testing.KernelCondition;
import java.io.IOException;
import java.util.List;
import java.util.Optional;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.EdgeCasesMode;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.RandomDistribution;
import net.jqwik.api.lifecycle.AddLifecycleHook;
import net.jqwik.api.lifecycle.AfterContainer;
import net.jqwik.api.lifecycle.BeforeContainer;
import net.jqwik.api.lifecycle.LifecycleContext;
import net.jqwik.api.lifecycle.SkipExecutionHook;

/**
 * Whatever two programs do with a connection, and whenever it is enrolled and taken off, they see
 * what the model of TCP says. A short run; {@link Soak} is the long one, of the same schedules.
 */
@AddLifecycleHook(SchedulePropertyTest.NeedsKernel.class)
class SchedulePropertyTest {
  /** What {@code KernelTest} is to a Jupiter test: a skip says why, and is a failure in CI. */
  static final class NeedsKernel implements SkipExecutionHook {
    @Override
    public SkipResult shouldBeSkipped(LifecycleContext context) {
      Optional<String> missing = KernelCondition.missing();
      if (missing.isPresent() && "true".equals(System.getenv("CI"))) {
        throw new IllegalStateException("with CI=true no skip: " + missing.get());
      }
      return missing.map(SkipResult::skip).orElseGet(SkipResult::doNotSkip);
    }
  }

  private static final int MOST_AT_ONCE = 192;

  private static final Score SCORE = new Score();

  /** Of the groups whose helper is killed. */
  private static final Score KILLED = new Score();

  private static Enrolment enrolment;
  private static Runner runner;

  /** Of the property that kills helpers; made by its first try. */
  private static Enrolment mortal;

  private static Runner killedRunner;

  @BeforeContainer
  static void start() throws IOException {
    enrolment = new Enrolment(false, 0);
    runner = new Runner(enrolment, Runner.defaultWorkers());
  }

  @AfterContainer
  static void stop() throws IOException {
    runner.close();
    enrolment.close();
    if (mortal != null) {
      killedRunner.close();
      mortal.close();
      System.out.print(KILLED.report());
      assertTrue(KILLED.redirectedMessages() > 0, KILLED::report);
      assertTrue(KILLED.enrolledAfterKill() > 0, KILLED::report);
    }
    System.out.print(SCORE.report());
    assertEquals(List.of(), SCORE.missing());
    assertTrue(SCORE.schedules() > 0);
  }

  @Property(tries = 70, edgeCases = EdgeCasesMode.NONE)
  void acceleratedConnectionsDoAsTcpDoes(
      @ForAll("events") List<Event> events, @ForAll("scripts") List<Script> scripts)
      throws IOException, InterruptedException {
    run(new Group(Regime.EVERY, events, scripts), immortal(), SCORE);
  }

  @Property(tries = 35, edgeCases = EdgeCasesMode.NONE)
  void connectionsThatAreTakenUpAndLeaveByTheirTrafficDoAsTcpDoes(
      @ForAll("eventsByTraffic") List<Event> events,
      @ForAll("scriptsByTraffic") List<Script> scripts)
      throws IOException, InterruptedException {
    run(new Group(Regime.TRAFFIC, events, scripts), immortal(), SCORE);
  }

  private static Runner immortal() throws IOException {
    if (mortal != null) {
      mortal.rest();
    }
    return runner;
  }

  /** The helper is killed with SIGKILL while they run, and another one adopts what it left. */
  @Property(tries = 4, edgeCases = EdgeCasesMode.NONE)
  void connectionsDoAsTcpDoesThoughTheHelperIsKilled(
      @ForAll Regime regime,
      @ForAll("eventsWithKill") List<Event> events,
      @ForAll("scripts") List<Script> scripts)
      throws IOException, InterruptedException {
    enrolment.rest(); // one helper at a time has this process
    if (mortal == null) {
      mortal = new Enrolment(true, 0);
      killedRunner = new Runner(mortal, Runner.defaultWorkers());
    }
    long kills = mortal.kills();
    run(new Group(regime, events, scripts), killedRunner, KILLED);
    assertTrue(mortal.kills() > kills);
  }

  /**
   * The other way round: the model is right about TCP, or its verdict on the rest is worth nothing.
   */
  @Property(tries = 10, edgeCases = EdgeCasesMode.NONE)
  void plainConnectionsDoAsTheModelSays(
      @ForAll("events") List<Event> events, @ForAll("scripts") List<Script> scripts)
      throws IOException, InterruptedException {
    try (Runner plain = new Runner(null, Runner.defaultWorkers())) {
      run(new Group(Regime.EVERY, events, scripts), plain, new Score());
    }
  }

  private static void run(Group group, Runner with, Score score)
      throws IOException, InterruptedException {
    for (Group.Failure failure : with.run(group, score)) {
      throw new Mismatch(group.text(failure.index()), failure.cause());
    }
  }

  @Provide
  Arbitrary<List<Event>> events() {
    return Schedules.events(Regime.EVERY, false);
  }

  @Provide
  Arbitrary<List<Event>> eventsByTraffic() {
    return Schedules.events(Regime.TRAFFIC, false);
  }

  @Provide
  Arbitrary<List<Event>> eventsWithKill() {
    return Schedules.eventsWithKill();
  }

  @Provide
  Arbitrary<List<Script>> scripts() {
    return crowd(Regime.EVERY);
  }

  @Provide
  Arbitrary<List<Script>> scriptsByTraffic() {
    return crowd(Regime.TRAFFIC);
  }

  private static Arbitrary<List<Script>> crowd(Regime regime) {
    return Schedules.scripts(regime)
        .list()
        .ofMinSize(1)
        .ofMaxSize(MOST_AT_ONCE)
        .withSizeDistribution(RandomDistribution.uniform());
  }
}
