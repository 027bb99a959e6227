/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.helper;

import io.underpass.Version;
import io.underpass.protocol.Failure;
import io.underpass.protocol.FlowView;
import io.underpass.protocol.HelperState;
import io.underpass.protocol.PortView;
import io.underpass.protocol.Reply;
import io.underpass.protocol.Request;
import io.underpass.protocol.Status;
import io.underpass.protocol.UserShare;
import io.underpass.service.Datapath;
import io.underpass.service.Registration;
import java.io.IOException;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;

/**
 * What the helper tells: to those who administer it all, to others what is their own
 * registration's. Thread-safe.
 */
final class Reports {
  /** Those who ask more often see the numbers of a moment ago. */
  private static final long FRESH_NANOS = 200_000_000;

  private final Datapath datapath;
  private final Requests.Place place;
  private final Audit audit;
  private final Supplier<Collection<Registration>> registered;
  private final long startedNanos = System.nanoTime();

  /** Flows by registration; guarded by this, as is the next. */
  private Map<Integer, Long> counts = Map.of();

  private long countedAt = System.nanoTime() - FRESH_NANOS;

  Reports(
      Datapath datapath,
      Requests.Place place,
      Audit audit,
      Supplier<Collection<Registration>> registered) {
    this.datapath = datapath;
    this.audit = audit;
    this.place = place;
    this.registered = registered;
  }

  private synchronized Map<Integer, Long> counts() throws IOException {
    if (System.nanoTime() - countedAt >= FRESH_NANOS) {
      counts = datapath.flowCounts();
      countedAt = System.nanoTime();
    }
    return counts;
  }

  /** The state, with all registrations. */
  Status status() throws IOException {
    Map<Integer, Long> flows = counts();
    List<Status.Registration> shown =
        registered.get().stream()
            .sorted(Comparator.comparingInt(Registration::id))
            .map(r -> view(r, flows.getOrDefault(r.id(), 0L)))
            .toList();
    long all = flows.values().stream().mapToLong(Long::longValue).sum();
    return status(datapath.reason(), all, shown, datapath.users(), audit.failures());
  }

  /** The state, with one registration; null for none. */
  Status statusFor(Registration own) throws IOException {
    // Other reasons tell how much of others there is.
    String reason = datapath.state() == HelperState.REFUSED ? datapath.reason() : "";
    if (own == null) {
      return status(reason, 0, List.of(), List.of(), List.of());
    }
    long flows = datapath.flows(own.id(), 1).total();
    return status(reason, flows, List.of(view(own, flows)), List.of(), List.of());
  }

  private static Status.Registration view(Registration r, long flows) {
    return new Status.Registration(r.id(), r.pid(), r.uid(), flows);
  }

  private Status status(
      String reason,
      long flows,
      List<Status.Registration> shown,
      List<UserShare> users,
      List<Failure> failures) {
    return new Status(
        Version.VERSION,
        datapath.state(),
        reason,
        (int) ProcessHandle.current().pid(),
        (System.nanoTime() - startedNanos) / 1_000_000_000,
        shown.size(),
        flows,
        place.pins().toString(),
        place.cgroup().toString(),
        place.kernel(),
        datapath.probes(),
        shown,
        users,
        failures);
  }

  /** The flows of one registration's id, or of {@link Datapath#ALL}. */
  Reply flows(int id, int limit) throws IOException {
    Datapath.Flows flows = datapath.flows(id, limit);
    return Reply.ok(
        Map.of("total", Long.toString(flows.total())),
        flows.top().stream().map(FlowView::toWire).toList());
  }

  /** A member sees its group's ports, others those of their own processes. */
  Reply ports(Connection connection, Request request) throws IOException {
    Datapath.Ports ports =
        datapath.ports(
            new Datapath.PortQuery(
                connection.tenant().isAdmin(),
                connection.peer().uid(),
                connection.group(),
                request.fields().get("group"),
                Integer.parseInt(request.fields().getOrDefault("port", "-1")),
                request.limit()));
    return Reply.ok(
        Map.of("total", Integer.toString(ports.total())),
        ports.first().stream().map(PortView::toWire).toList());
  }
}
