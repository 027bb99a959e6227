/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.samples.bench;

import io.underpass.samples.process.Child;
import io.underpass.samples.process.JvmCommand;
import io.underpass.samples.process.Project;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** What Underpass costs where nothing is sent: the start of a JVM, and the helper at rest. */
final class FootprintSuite implements Suite {

  /** The first runs read jars from the disk. */
  private static final int UNCOUNTED_STARTS = 2;

  private static final int LEAST_STARTS = 15;

  /** Of processor time there is a tick every 10 ms: over so long, one of them is a thousandth. */
  private static final long LEAST_REST_MILLIS = 10_000;

  private static final Duration START = Duration.ofSeconds(30);

  @Override
  public String name() {
    return "footprint";
  }

  @Override
  public String explanation() {
    return """
        A JVM that says hello, from its start to its end, without and with the agent (`value` is the median of the \
        pairs' differences: what the agent adds). Before and after that the helper, with nobody registered: its resident set, and the \
        processor time it uses.""";
  }

  @Override
  public List<Row> run(Lab lab) {
    List<Row> rows = new ArrayList<>();
    if (lab.plan().accelerate()) {
      rows.addAll(atRest(lab, "helper at rest, fresh"));
    }
    rows.add(startUp(lab));
    if (lab.plan().accelerate()) {
      rows.addAll(atRest(lab, "helper at rest, after those JVMs"));
    }
    return rows;
  }

  private static Row startUp(Lab lab) {
    JvmCommand hello = JvmCommand.of(Project.classPath(), HelloWorld.class);
    List<String> plain = hello.words();
    List<String> accelerated = lab.withAgent(hello).words();
    Series without = new Series();
    Series with = new Series();
    int starts =
        lab.plan().accelerate() ? Math.max(LEAST_STARTS, lab.plan().pairs()) : lab.plan().pairs();
    for (int i = -UNCOUNTED_STARTS; i < starts; i++) {
      Sample first = start(plain);
      Sample second = start(accelerated);
      if (i >= 0) {
        without.add(first);
        with.add(second);
      }
    }
    double[] added = new double[starts];
    for (int i = 0; i < starts; i++) {
      added[i] = with.value(i) - without.value(i);
    }
    return Row.compare("start of a JVM", Map.of(), Unit.MILLIS, without, with)
        .withValue(Series.median(added));
  }

  private static Sample start(List<String> words) {
    long begin = System.nanoTime();
    try (Child child = Child.start("hello", words)) {
      child.await(START);
      return new Sample((System.nanoTime() - begin) / 1e6, Double.NaN, 0);
    }
  }

  private static List<Row> atRest(Lab lab, String when) {
    long millis = Math.max(LEAST_REST_MILLIS, lab.plan().roundMillis());
    Lab.pause(lab.plan().warmUpMillis());
    Duration before = lab.helper().cpuTime();
    Lab.pause(millis);
    Duration used = lab.helper().cpuTime().minus(before);
    double megabytes = lab.helper().residentKilobytes().orElseThrow() / 1024.0;
    return List.of(
        Row.figure(when + ": resident set", Map.of(), Unit.MEGABYTES, megabytes),
        Row.figure(
            when + ": processor time",
            Map.of("millis", millis),
            Unit.MILLIS,
            (double) used.toMillis()));
  }
}
