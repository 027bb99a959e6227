/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.samples.bench;

import io.underpass.samples.process.Cgroup;
import io.underpass.samples.process.Child;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What is not accelerated: connections of a JVM with the agent that cannot be ({@link OtherFlows}),
 * and processes that have nothing to do with Underpass, with a helper on the host and without. JVMs
 * with the agent have a cgroup of their own, as services and containers do; one of the processes
 * shares it, and has its programs called.
 */
final class BystanderSuite implements Suite {

  private static final double FLOOR = 0.99;

  /** As long as it takes for the processes beside to come to rest. */
  private static final long SETTLING_MILLIS = 700;

  /** Untimed, of each connection and each loop. */
  private static final long LEAD_IN_MILLIS = 60;

  private static final int SIZE = 1024;

  private static final String OPTIONS = "options";

  @Override
  public String name() {
    return "bystander";
  }

  @Override
  public Plan usual() {
    return new Plan(9, 1, 300, 1500, true);
  }

  @Override
  public String explanation() {
    return """
        JVMs without the agent, and a program in C, on a host with a helper (`accelerated`) and without one (`plain`). \
        The helper is started and ended for every round; while it is there, two JVMs with the agent sit beside with an accelerated \
        connection on which nothing is sent, in a cgroup of their own, and while it is not, two without. What is measured runs on, with \
        connections made anew in every round. The loops in C are one process: `socket` makes and closes one, `options` sets and \
        gets TCP_NODELAY (`in their cgroup`: in that of the two JVMs), `connect` connects, accepts and closes, `exchange` sends %d bytes and as many back. \
        Control rows compare two rounds without a helper. The rows `flow to a process without the agent` come first: there a JVM with the \
        agent talks to one without (`accelerated`), beside two pairs without (`plain` and the control)."""
        .formatted(SIZE);
  }

  /** Something that is measured, with its place in the report. */
  private record Subject(String name, Map<String, ?> params, Unit unit, Side side) {}

  /** What the rounds are called. */
  private enum Phase {
    OFF(Side.PLAIN),
    ON(Side.ACCELERATED),
    OFF_AGAIN(Side.CONTROL);

    private final String label;

    Phase(String label) {
      this.label = label;
    }
  }

  @Override
  public List<Row> run(Lab lab) throws IOException {
    List<Row> rows = new ArrayList<>(OtherFlows.measure(lab));
    lab.stopHelper();
    Tally tally = new Tally(lab.plan());
    List<JvmPair> pairs = new ArrayList<>();
    try {
      Cgroup cgroup = Cgroup.create(lab.workspace());
      List<Subject> subjects = subjects(lab, pairs, cgroup);
      lab.startIn(cgroup);
      for (Subject subject : subjects) {
        round(subject, lab.plan().warmUpMillis());
      }
      for (int round = 0; round < lab.plan().pairs() && !subjects.isEmpty(); round++) {
        for (Phase phase : Phase.values()) {
          measure(lab, tally, subjects, phase);
        }
        lab.say("  round %d of %d".formatted(round + 1, lab.plan().pairs()));
      }
      subjects.forEach(subject -> rows.add(row(tally, subject, "", Phase.ON)));
      if (lab.selection().controls()) {
        subjects.forEach(subject -> rows.add(row(tally, subject, Row.CONTROL, Phase.OFF_AGAIN)));
      }
      return rows;
    } finally {
      lab.startIn(null);
      pairs.forEach(JvmPair::close);
    }
  }

  private static List<Subject> subjects(Lab lab, List<JvmPair> pairs, Cgroup theirs)
      throws IOException {
    List<Subject> subjects = new ArrayList<>();
    for (Pinning pinning : lab.pinnings()) {
      JvmPair pair = lab.plainPair("bystander", pinning);
      pairs.add(pair);
      Map<String, ?> params = Map.of("pinning", pinning.name(), "program", "JVM");
      subjects.add(
          new Subject(
              "JVM rtt %d B, %s".formatted(SIZE, pinning.name()),
              params,
              Unit.MICROS,
              new PingSide(
                  pair.label(),
                  pair,
                  Transport.SOCKET,
                  SIZE,
                  SIZE,
                  LEAD_IN_MILLIS,
                  PingSide.MEDIAN)));
      subjects.add(
          new Subject(
              "JVM connect, " + pinning.name(),
              params,
              Unit.CONNECTIONS_PER_SECOND,
              new VisitSide(pair, 0)));
    }
    Optional<Path> program = CProgram.compile(lab.workspace(), "syscall_loops");
    if (program.isPresent()) {
      String cpu = Pinning.available().getFirst().clientCpu();
      List<String> command = List.of("taskset", "--cpu-list", cpu, program.get().toString());
      Child child = lab.workspace().start("loops", command);
      for (String loop : List.of("socket", OPTIONS, "connect", "exchange")) {
        subjects.add(loop("C " + loop, child, loop));
      }
      List<String> among = new ArrayList<>(theirs.prefix());
      among.addAll(command);
      Child neighbour = lab.workspace().start("loops in their cgroup", among);
      subjects.add(loop("C " + OPTIONS + ", in their cgroup", neighbour, OPTIONS));
    }
    return subjects.stream().filter(subject -> lab.selection().wantsName(subject.name())).toList();
  }

  private static Subject loop(String name, Child child, String loop) {
    Map<String, ?> params = Map.of("pinning", "one core", "program", "C");
    return new Subject(name, params, Unit.MICROS, new LoopSide(child, loop, LEAD_IN_MILLIS));
  }

  /** One round of every subject, with the processes beside that the phase wants. */
  private static void measure(Lab lab, Tally tally, List<Subject> subjects, Phase phase)
      throws IOException {
    boolean on = phase == Phase.ON && lab.plan().accelerate();
    Pinning pinning = Pinning.available().getLast();
    if (on) {
      lab.startHelper();
    }
    try (JvmPair beside = on ? lab.acceleratedPair(pinning) : lab.plainPair("beside", pinning)) {
      Side idle = new PingSide(beside, SIZE);
      idle.begin();
      idle.measure(SETTLING_MILLIS);
      Lab.pause(SETTLING_MILLIS);
      for (Subject subject : subjects) {
        tally.series(subject.name(), phase.label).add(round(subject, lab.plan().roundMillis()));
      }
      idle.end();
    } finally {
      if (on) {
        lab.stopHelper();
      }
    }
  }

  private static Sample round(Subject subject, long millis) throws IOException {
    Side side = subject.side();
    side.begin();
    try {
      return side.measure(millis);
    } finally {
      side.end();
    }
  }

  private static Row row(Tally tally, Subject subject, String prefix, Phase phase) {
    return Row.compare(
        prefix + subject.name(),
        subject.params(),
        subject.unit(),
        tally.series(subject.name(), Phase.OFF.label),
        tally.series(subject.name(), phase.label));
  }

  @Override
  public String verdict(List<Row> rows) {
    return Verdict.of(rows, FLOOR);
  }
}
