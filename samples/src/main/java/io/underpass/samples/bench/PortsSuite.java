/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.samples.bench;

import io.underpass.samples.process.Child;
import io.underpass.samples.process.ChildException;
import java.io.IOException;
import java.net.ServerSocket;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * What port groups cost: their members, against JVMs that have the agent and no group; and
 * everybody else, while there is a member on the host and while there is no helper.
 */
final class PortsSuite implements Suite {

  private static final double FLOOR = 0.97;
  private static final double OUTSIDE_FLOOR = 0.99;

  /** What a member does beside which outsiders are measured, by the prefix of their rows' names. */
  private static final Map<String, String> OUTSIDE =
      Map.of("outside: ", "listen", "outside while a member has UDP: ", "serve");

  private static final String MEMBER = "member: ";

  /** Members' rows, and then those of outsiders. */
  private static final List<String> PREFIXES =
      List.of(MEMBER, "outside: ", "outside while a member has UDP: ");

  /** Of {@link PortsPeer}, with their names in the report. */
  private static final Map<String, String> OPERATIONS =
      Map.of(
          "bind", "bind and close",
          "connect", "connect, accept and close",
          "getsockname", "getsockname",
          "udp", "UDP 1 KB there and back, one thread",
          "request", "UDP 1 KB request/response");

  private static final List<String> ORDER =
      List.of("bind", "connect", "getsockname", "udp", "request");

  /** As long as it takes for a process that was started to come to rest. */
  private static final long SETTLING_MILLIS = 300;

  /** A JVM that asks, one that answers its datagrams, and the port that both use. */
  private record Peers(String label, Child client, Child server, int port) {
    Side side(String operation) {
      return new PortsSide(label, client, operation, operation.equals("request") ? port + 1 : port);
    }
  }

  @Override
  public String name() {
    return "ports";
  }

  @Override
  public Plan usual() {
    return new Plan(7, 1, 250, 1000, true);
  }

  @Override
  public String explanation() {
    return """
        JVMs with the agent and without a group (`plain`) against JVMs of a port group (`accelerated`), on one processor. \
        All but the request/response are one thread of one process, which waits for nothing. The datagrams have %d bytes, \
        and their sockets are not connected. `getsockname` is the JDK's own call of it. Rows named "outside" are JVMs \
        without the agent, without a helper on the host (`plain`) and with one that serves a member of a group \
        (`accelerated`), which has a TCP port alone, or a UDP socket; helper and member are started for every round, and what is \
        measured runs on."""
        .formatted(PortsPeer.SIZE);
  }

  @Override
  public List<Row> run(Lab lab) throws IOException {
    Tally tally = new Tally(lab.plan());
    String cpu = Pinning.available().getFirst().clientCpu();
    members(lab, tally, cpu);
    lab.stopHelper();
    for (String prefix : PREFIXES) {
      if (OUTSIDE.containsKey(prefix)) {
        outsiders(lab, tally, cpu, prefix);
      }
    }
    List<Row> rows = new ArrayList<>();
    for (String prefix : PREFIXES) {
      for (String operation : wanted(lab, prefix)) {
        rows.add(row(tally, prefix + OPERATIONS.get(operation), "", Side.ACCELERATED));
      }
    }
    if (lab.selection().controls()) {
      for (String prefix : PREFIXES) {
        for (String operation : wanted(lab, prefix)) {
          rows.add(row(tally, prefix + OPERATIONS.get(operation), Row.CONTROL, Side.CONTROL));
        }
      }
    }
    return rows;
  }

  private static List<String> wanted(Lab lab, String prefix) {
    return ORDER.stream()
        .filter(operation -> lab.selection().wantsName(prefix + OPERATIONS.get(operation)))
        .toList();
  }

  private static void members(Lab lab, Tally tally, String cpu) throws IOException {
    List<String> wanted = wanted(lab, MEMBER);
    if (wanted.isEmpty()) {
      return;
    }
    List<Peers> all = new ArrayList<>();
    try {
      all.add(peers(lab, Side.PLAIN, cpu, ""));
      all.add(peers(lab, Side.ACCELERATED, cpu, ",group=bench,ports=*"));
      if (lab.selection().controls()) {
        all.add(peers(lab, Side.CONTROL, cpu, ""));
      }
      for (String operation : wanted) {
        List<Side> sides = all.stream().map(peers -> peers.side(operation)).toList();
        tally.measure(MEMBER + OPERATIONS.get(operation), 0, sides);
        lab.say("  " + MEMBER + OPERATIONS.get(operation));
      }
    } finally {
      all.forEach(PortsSuite::end);
    }
  }

  /** Each has a port of its own, so that those without a group are not in each other's way. */
  private static Peers peers(Lab lab, String label, String cpu, String options) throws IOException {
    int port = freePort();
    Child server = peer(lab, label + " server", cpu, options);
    Child client = peer(lab, label + " client", cpu, options);
    server.ask(Map.of("verb", "serve", "port", port + 1));
    return new Peers(label, client, server, port);
  }

  /** One that was refused would be measured as a JVM without a group, and not be noticed. */
  private static Child peer(Lab lab, String name, String cpu, String options) {
    Child child = lab.single(name, PortsPeer.class, cpu, options);
    boolean wants = options != null && options.contains("group=") && lab.plan().accelerate();
    if (wants && !child.ask(Map.of("verb", "joined")).get("joined").asBoolean()) {
      throw new ChildException(name + " is in no group");
    }
    return child;
  }

  private static void end(Peers peers) {
    peers.client().close();
    peers.server().close();
  }

  private static void outsiders(Lab lab, Tally tally, String cpu, String prefix)
      throws IOException {
    List<String> wanted = wanted(lab, prefix);
    if (wanted.isEmpty()) {
      return;
    }
    Peers peers = peers(lab, "outside", cpu, null);
    try {
      for (String operation : wanted) {
        peers.side(operation).measure(lab.plan().warmUpMillis());
      }
      for (int round = 0; round < lab.plan().pairs(); round++) {
        measure(lab, tally, peers, prefix, Side.PLAIN);
        beside(lab, tally, peers, prefix, cpu);
        if (lab.selection().controls()) {
          measure(lab, tally, peers, prefix, Side.CONTROL);
        }
        lab.say("  " + prefix + "round %d of %d".formatted(round + 1, lab.plan().pairs()));
      }
    } finally {
      end(peers);
    }
  }

  /** With a helper, and a member that has a port of its group, which loads the programs. */
  private static void beside(Lab lab, Tally tally, Peers peers, String prefix, String cpu)
      throws IOException {
    if (!lab.plan().accelerate()) {
      measure(lab, tally, peers, prefix, Side.ACCELERATED);
      return;
    }
    lab.startHelper();
    // The member ends first: while it has a port, the helper would leave the programs in place.
    try (Child member = peer(lab, "member", cpu, ",group=bench,ports=*")) {
      member.ask(Map.of("verb", OUTSIDE.get(prefix), "port", freePort()));
      measure(lab, tally, peers, prefix, Side.ACCELERATED);
    } finally {
      lab.stopHelper();
    }
  }

  private static void measure(Lab lab, Tally tally, Peers peers, String prefix, String phase)
      throws IOException {
    pause();
    for (String operation : wanted(lab, prefix)) {
      tally
          .series(prefix + OPERATIONS.get(operation), phase)
          .add(peers.side(operation).measure(lab.plan().roundMillis()));
    }
  }

  private static void pause() {
    try {
      Thread.sleep(SETTLING_MILLIS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** One that nobody has, nor the next one. */
  private static int freePort() throws IOException {
    while (true) {
      try (ServerSocket any = new ServerSocket(0)) {
        int next = any.getLocalPort() + 1;
        if (isFree(next)) {
          return any.getLocalPort();
        }
      }
    }
  }

  private static boolean isFree(int port) {
    try (ServerSocket _ = new ServerSocket(port)) {
      return true;
    } catch (IOException | IllegalArgumentException e) {
      return false; // somebody has it, or there is no such port
    }
  }

  private static Row row(Tally tally, String name, String prefix, String other) {
    return Row.compare(
        prefix + name,
        Map.of("pinning", "one core", "member", name.startsWith(MEMBER)),
        Unit.MICROS,
        tally.series(name, Side.PLAIN),
        tally.series(name, other));
  }

  @Override
  public String verdict(List<Row> rows) {
    return "Members:\n\n%s\nOutside of groups:\n\n%s"
        .formatted(
            Verdict.of(part(rows, true), FLOOR), Verdict.of(part(rows, false), OUTSIDE_FLOOR));
  }

  private static List<Row> part(List<Row> rows, boolean member) {
    return rows.stream().filter(row -> row.params().get("member").equals(member)).toList();
  }
}
