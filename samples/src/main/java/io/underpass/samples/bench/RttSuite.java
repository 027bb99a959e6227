/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.samples.bench;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/** Round trips: how long a caller waits for an answer. */
final class RttSuite implements Suite {

  private static final String UNIX = "unix-domain";
  private static final String CHANNEL = "channel ";

  /** The size at which references, controls and interfaces are compared. */
  private static final int MAIN_SIZE = 1024;

  private static final List<Integer> OTHER_SIZES = List.of(64, 16_384);

  @Override
  public String name() {
    return "rtt";
  }

  @Override
  public String explanation() {
    return """
        One thread sends a request and waits for an answer of the same size, over one connection with TCP_NODELAY, by \
        blocking `java.net.Socket` (rows named "channel": blocking `SocketChannel` with direct buffers). The figure is \
        the median round trip of a round. The UNIX-domain reference is a blocking `SocketChannel` with direct buffers \
        between two JVMs; the eventfd reference is a pair of C programs that wake each other and carry nothing.""";
  }

  @Override
  public List<Row> run(Lab lab) throws IOException {
    Tally tally = new Tally(lab.plan());
    Optional<Path> eventfd = EventfdSide.compile(lab.workspace());
    List<Pinning> pinnings = lab.pinnings();
    for (int fork = 0; fork < lab.plan().forks(); fork++) {
      for (Pinning pinning : pinnings) {
        measure(lab, tally, fork, pinning, eventfd);
      }
    }
    List<Row> rows = new ArrayList<>();
    pinnings.forEach(pinning -> rows.addAll(rows(tally, pinning, eventfd.isPresent())));
    return rows;
  }

  private static void measure(
      Lab lab, Tally tally, int fork, Pinning pinning, Optional<Path> eventfd) throws IOException {
    try (JvmPair plain = lab.plainPair(Side.PLAIN, pinning);
        JvmPair accelerated = lab.acceleratedPair(pinning);
        JvmPair control = lab.plainPair(Side.CONTROL, pinning);
        JvmPair unix = lab.plainPair(UNIX, pinning)) {
      List<Side> sides = new ArrayList<>();
      sides.add(new PingSide(plain, MAIN_SIZE));
      sides.add(new PingSide(accelerated, MAIN_SIZE));
      sides.add(new PingSide(control, MAIN_SIZE));
      sides.add(new PingSide(UNIX, unix, Transport.UNIX, MAIN_SIZE));
      if (eventfd.isPresent()) {
        sides.add(EventfdSide.start(lab.workspace(), eventfd.get(), pinning));
      }
      tally.measure(rowName(MAIN_SIZE, pinning), fork, sides);
      for (int size : OTHER_SIZES) {
        tally.measure(
            rowName(size, pinning),
            fork,
            List.of(new PingSide(plain, size), new PingSide(accelerated, size)));
      }
      tally.measure(
          CHANNEL + rowName(MAIN_SIZE, pinning),
          fork,
          List.of(channel(plain), channel(accelerated)));
      for (Side side : sides) {
        if (side instanceof EventfdSide program) {
          program.close();
        }
      }
    }
  }

  private static PingSide channel(JvmPair pair) {
    return new PingSide(pair.label(), pair, Transport.CHANNEL, MAIN_SIZE);
  }

  private static List<Row> rows(Tally tally, Pinning pinning, boolean eventfd) {
    List<Row> rows = new ArrayList<>();
    String main = rowName(MAIN_SIZE, pinning);
    Map<String, ?> params = params(MAIN_SIZE, pinning, Transport.SOCKET);
    Series plain = tally.series(main, Side.PLAIN);
    Series accelerated = tally.series(main, Side.ACCELERATED);
    Series unix = tally.series(main, UNIX);

    rows.add(Row.compare(main, params, Unit.MICROS, plain, accelerated));
    for (int size : OTHER_SIZES) {
      rows.add(compare(tally, rowName(size, pinning), params(size, pinning, Transport.SOCKET)));
    }
    rows.add(compare(tally, CHANNEL + main, params(MAIN_SIZE, pinning, Transport.CHANNEL)));
    rows.add(Row.compare(Row.AGAINST + main, params, Unit.MICROS, unix, accelerated));
    rows.add(Row.reference(UNIX + " " + main, params, Unit.MICROS, plain, unix));
    if (eventfd) {
      Series floor = tally.series(main, EventfdSide.LABEL);
      rows.add(Row.reference("eventfd, " + pinning.name(), params, Unit.MICROS, plain, floor));
    }
    Series control = tally.series(main, Side.CONTROL);
    rows.add(Row.compare(Row.CONTROL + main, params, Unit.MICROS, plain, control));
    return rows;
  }

  private static Row compare(Tally tally, String name, Map<String, ?> params) {
    return Row.compare(
        name,
        params,
        Unit.MICROS,
        tally.series(name, Side.PLAIN),
        tally.series(name, Side.ACCELERATED));
  }

  private static String rowName(int size, Pinning pinning) {
    return "rtt %d B, %s".formatted(size, pinning.name());
  }

  private static Map<String, ?> params(int size, Pinning pinning, Transport transport) {
    return Map.of(
        "bytes", size, "pinning", pinning.name(), "api", transport.name().toLowerCase(Locale.ROOT));
  }
}
