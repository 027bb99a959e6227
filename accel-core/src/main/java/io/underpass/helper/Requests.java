package io.underpass.helper;

import io.underpass.Version;
import io.underpass.ffm.Layouts;
import io.underpass.ffm.PeerCredentials;
import io.underpass.protocol.ErrorCode;
import io.underpass.protocol.FlowView;
import io.underpass.protocol.GroupWish;
import io.underpass.protocol.PortView;
import io.underpass.protocol.Probe;
import io.underpass.protocol.Reply;
import io.underpass.protocol.Request;
import io.underpass.protocol.Status;
import io.underpass.protocol.WireException;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Predicate;

/**
 * What each request does: who may ask, and what the answer is. The next hop of a registration is
 * {@link Datapath#admit}.
 */
final class Requests {
  /** Where the helper runs, for STATUS. */
  record Place(Path pins, Path cgroup, String kernel) {}

  private final Policy policy;
  private final Datapath datapath;
  private final Place place;
  private final Audit audit;
  private final long startedNanos = System.nanoTime();

  /** By id; written by the server's thread, read by those of an embedded helper's user too. */
  private final Map<Integer, Connection> registered = new ConcurrentHashMap<>();

  /** Of the server's thread, as are the two below. */
  private int nextId;

  private boolean draining;

  /** Processes whose registrations are in work. */
  private final Set<Integer> registering = new HashSet<>();

  /** Starts an orderly stop that answers the connection when it is done. */
  @FunctionalInterface
  interface Stop {
    void drain(Connection connection, Duration wait);
  }

  private final Stop stop;

  Requests(Policy policy, Datapath datapath, Place place, Audit audit, Stop stop) {
    this.stop = stop;
    this.policy = policy;
    this.datapath = datapath;
    this.place = place;
    this.audit = audit;
    this.nextId = datapath.firstId();
  }

  Answer answer(Connection connection, String line) {
    try {
      Request request = Request.parse(line);
      return switch (request.verb()) {
        case REGISTER -> Answer.after(register(connection, request));
        case CLAIM -> Answer.after(claim(connection));
        case DATAGRAMS -> {
          datapath.datagrams(registrationOf(connection));
          yield Answer.of(Reply.ok(Map.of()));
        }
        case TOTALS -> Answer.of(Reply.ok(datapath.totals(registrationOf(connection)).toWire()));
        case FLOWS -> Answer.of(flows(connection, request.limit()));
        case PORTS -> Answer.of(ports(connection, request));
        case STATUS -> Answer.of(status(visibleTo(connection)).toReply());
        case DRAIN -> drain(connection, request.waitSeconds());
      };
    } catch (IOException | RuntimeException e) {
      return Answer.of(refusal(connection, e));
    }
  }

  private Reply refusal(Connection connection, Exception e) {
    if (e instanceof WireException wire) {
      String uid = Integer.toUnsignedString(connection.peer().uid());
      audit.refused(wire.code().wireName() + " uid=" + uid, e.getMessage());
      return wire.toReply();
    }
    audit.refused("failed: " + e.getClass().getSimpleName(), e.toString());
    return Reply.error(ErrorCode.INTERNAL, "the helper failed; its log says how");
  }

  /**
   * A registration looks at the open files of its process, which may take long: see {@link Answer}.
   */
  private Answer.Work register(Connection connection, Request request) throws IOException {
    GroupWish wish = request.wish();
    Connection.Peer peer = connection.peer();
    if (connection.registration() != null) {
      throw new WireException(ErrorCode.ALREADY_REGISTERED, "this connection has a registration");
    }
    if (!policy.admits(peer.uid(), peer.gid(), peer.groups())) {
      throw new WireException(
          ErrorCode.DENIED,
          "the helper's policy does not admit uid " + Integer.toUnsignedString(peer.uid()));
    }
    GroupWish granted =
        wish == null ? null : policy.groups().grant(wish, peer.uid(), peer.gid(), peer.groups());
    PeerCredentials process = PeerCredentials.of(connection.channel());
    try {
      long startTicks = PeerProcess.startTicks(process);
      endFormer(peer.pid(), startTicks);
      if (!registering.add(peer.pid())) {
        throw new WireException(
            ErrorCode.ALREADY_REGISTERED, "the process is about to be registered already");
      }
      long domains =
          policy
              .trust()
              .domainsOf(
                  peer.uid(), peer.gid(), peer.groups(), granted == null ? "" : granted.group());
      Registration made = new Registration(nextId++, peer.pid(), startTicks, peer.uid(), domains);
      return () -> {
        try (process) {
          String identity = admit(made, process, granted, request.hasDatagrams());
          return () -> registered(connection, request, made, granted, identity);
        } catch (IOException | RuntimeException e) {
          return () -> {
            registering.remove(made.pid());
            return refusal(connection, e);
          };
        }
      };
    } catch (IOException | RuntimeException e) {
      process.close();
      throw e;
    }
  }

  private String admit(
      Registration made, PeerCredentials process, GroupWish granted, boolean datagrams)
      throws IOException {
    datapath.admit(made);
    try {
      // Was it still the same process while it was admitted?
      if (PeerProcess.startTicks(process) != made.startTicks()) {
        throw new WireException(ErrorCode.DENIED, "the process has ended");
      }
      return datapath.join(made, granted, datagrams, policy.groups().pools());
    } catch (IOException | RuntimeException e) {
      dismiss(made);
      throw e;
    }
  }

  private Reply registered(
      Connection connection,
      Request request,
      Registration made,
      GroupWish granted,
      String identity) {
    registering.remove(made.pid());
    if (connection.isClosed()) {
      dismiss(made);
      return Reply.error(ErrorCode.TIMEOUT, "the connection has ended");
    }
    connection.register(made, granted == null ? "" : granted.group());
    registered.put(made.id(), connection);
    audit.event(
        "registered id=%d pid=%d uid=%s agent=%s%s%s"
            .formatted(
                made.id(),
                made.pid(),
                Integer.toUnsignedString(made.uid()),
                clean(request.fields().get("agent")),
                granted == null ? "" : " group=" + granted.group(),
                identity.isEmpty() ? "" : " identity=" + identity));
    Map<String, String> fields = new LinkedHashMap<>();
    fields.put("id", Integer.toString(made.id()));
    fields.put("proto", Integer.toString(Version.PROTOCOL));
    fields.put("helper", Version.VERSION);
    fields.put("level", Integer.toString(Layouts.UP_SOL));
    fields.put("state", datapath.state());
    fields.put("reason", datapath.reason());
    Probe.toWire(datapath.probes(), fields);
    if (granted != null) {
      fields.put("group", granted.group());
      fields.put("identity", identity);
    }
    return Reply.ok(fields);
  }

  /** A process registers once; what an earlier process with that pid left (to a child) ends. */
  private void endFormer(int pid, long startTicks) throws WireException {
    for (Connection other : registered.values()) {
      Registration former = other.registration();
      if (former.pid() == pid && former.startTicks() == startTicks) {
        throw new WireException(
            ErrorCode.ALREADY_REGISTERED, "the process is registered on another connection");
      }
      if (former.pid() == pid) {
        other.close();
        ended(other);
      }
    }
  }

  /** To be called when a connection is over. */
  void ended(Connection connection) {
    Registration was = connection.registration();
    if (was != null && registered.remove(was.id()) != null) {
      dismiss(was);
      audit.event("ended id=%d pid=%d".formatted(was.id(), was.pid()));
    }
  }

  private void dismiss(Registration registration) {
    try {
      datapath.dismiss(registration);
    } catch (RuntimeException e) {
      // Nobody is there to be told, and the other clients are to be served on.
      audit.refused("failed: dismiss", e.toString());
    }
  }

  /** Only root stops the helper. The answer comes when it is done, from the stop's own thread. */
  private Answer drain(Connection connection, int waitSeconds) throws WireException {
    if (connection.peer().uid() != 0) {
      throw new WireException(ErrorCode.DENIED, "only root may stop the helper");
    }
    if (draining) {
      throw new WireException(ErrorCode.UNAVAILABLE, "the helper is stopping already");
    }
    draining = true;
    audit.event("drain asked by pid=%d".formatted(connection.peer().pid()));
    stop.drain(connection, Duration.ofSeconds(waitSeconds));
    return Answer.OWED;
  }

  /** Each look goes through all open files of the process. */
  private Answer.Work claim(Connection connection) throws IOException {
    Registration registration = registrationOf(connection);
    if (!connection.mayClaim(System.nanoTime())) {
      throw new WireException(ErrorCode.DENIED, "CLAIM comes at most once in a second");
    }
    return () -> {
      try {
        datapath.claim(registration);
        return () -> Reply.ok(Map.of());
      } catch (IOException | RuntimeException e) {
        return () -> refusal(connection, e);
      }
    };
  }

  private static Registration registrationOf(Connection connection) throws WireException {
    if (connection.registration() == null) {
      throw new WireException(ErrorCode.NOT_REGISTERED, "REGISTER comes first");
    }
    return connection.registration();
  }

  /** A registration sees its own flows; the command line sees all as root, and none otherwise. */
  private Reply flows(Connection connection, int limit) throws IOException {
    Datapath.Flows flows = new Datapath.Flows(0, List.of());
    if (connection.registration() != null) {
      flows = datapath.flows(connection.registration().id(), limit);
    } else if (connection.peer().uid() == 0) {
      flows = datapath.flows(Datapath.ALL, limit);
    }
    return Reply.ok(
        Map.of("total", Long.toString(flows.total())),
        flows.top().stream().map(FlowView::toWire).toList());
  }

  /** A member sees its group's ports, root all, others those of their own processes. */
  private Reply ports(Connection connection, Request request) throws IOException {
    int uid = connection.peer().uid();
    Datapath.Ports ports =
        datapath.ports(
            new Datapath.PortQuery(
                uid == 0,
                uid,
                connection.group(),
                request.fields().get("group"),
                Integer.parseInt(request.fields().getOrDefault("port", "-1")),
                request.limit()));
    return Reply.ok(
        Map.of("total", Integer.toString(ports.total())),
        ports.first().stream().map(PortView::toWire).toList());
  }

  private static Predicate<Registration> visibleTo(Connection connection) {
    return r -> connection.peer().uid() == 0 || r.equals(connection.registration());
  }

  /** The state, with those registrations that the predicate lets through. */
  Status status(Predicate<Registration> visible) throws IOException {
    Map<Integer, Long> flows = datapath.flowCounts();
    List<Status.Registration> shown =
        registered.values().stream()
            .map(Connection::registration)
            .filter(visible)
            .sorted(Comparator.comparingInt(Registration::id))
            .map(
                r ->
                    new Status.Registration(
                        r.id(), r.pid(), r.uid(), flows.getOrDefault(r.id(), 0L)))
            .toList();
    return new Status(
        Version.VERSION,
        datapath.state(),
        datapath.reason(),
        (int) ProcessHandle.current().pid(),
        (System.nanoTime() - startedNanos) / 1_000_000_000,
        registered.size(),
        flows.values().stream().mapToLong(Long::longValue).sum(),
        place.pins().toString(),
        place.cgroup().toString(),
        place.kernel(),
        datapath.probes(),
        shown);
  }

  /** A client's text goes into one line of a log. */
  private static String clean(String text) {
    return text.replaceAll("[^\\x21-\\x7e]", "?");
  }
}
