/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.helper;

import io.underpass.Version;
import io.underpass.ffm.Layouts;
import io.underpass.ffm.PeerCredentials;
import io.underpass.host.PeerProcess;
import io.underpass.policy.Policy;
import io.underpass.protocol.ErrorCode;
import io.underpass.protocol.GroupWish;
import io.underpass.protocol.HelperState;
import io.underpass.protocol.Probe;
import io.underpass.protocol.Reply;
import io.underpass.protocol.Request;
import io.underpass.protocol.SocketOptions;
import io.underpass.protocol.Status;
import io.underpass.protocol.WireException;
import io.underpass.service.Datapath;
import io.underpass.service.Registration;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;

/**
 * What each request does: who may ask, and what the answer is. The next hop of a registration is
 * {@link Datapath#admit}. Of the server's thread, except where it says otherwise.
 */
final class Requests {
  /** Where the helper runs, for STATUS. */
  record Place(Path pins, Path cgroup, String kernel) {}

  /** Made beforehand: it is also for where there is no memory to make one. */
  static final Reply FAILED =
      Reply.error(ErrorCode.INTERNAL, "the helper failed; its log says how");

  private final Policy policy;
  private final Datapath datapath;
  private final Audit audit;
  private final Reports reports;

  /** By id; written by the server's thread, read by others too. */
  private final Map<Integer, Connection> registered = new ConcurrentHashMap<>();

  private int nextId;

  /** All registrations: those that are, in work, or about to end. */
  private int registrations;

  private boolean draining;

  /** Processes whose registrations are in work. */
  private final Set<Integer> registering = new HashSet<>();

  /** Starts an orderly stop that answers the connection when it is done. */
  @FunctionalInterface
  interface Stop {
    void drain(Connection connection, Duration wait);
  }

  private final Stop stop;

  /** Has the end of a registration done by another thread. */
  @FunctionalInterface
  interface Leave {
    void accept(Tenant tenant, Answer.Work work);
  }

  /** Set once, before the server starts. */
  private Leave leave;

  Requests(Policy policy, Datapath datapath, Place place, Audit audit, Stop stop) {
    this.stop = stop;
    this.policy = policy;
    this.datapath = datapath;
    this.audit = audit;
    this.nextId = datapath.firstId();
    this.reports =
        new Reports(
            datapath,
            place,
            audit,
            () -> registered.values().stream().map(Connection::registration).toList());
  }

  void leaveBy(Leave how) {
    leave = how;
  }

  /** The state, with all registrations. Any thread may ask. */
  Status status() throws IOException {
    return reports.status();
  }

  /** Whether somebody who connects is to be heard at all; the refusal goes into the log. */
  void checkMayAsk(PeerCredentials who, boolean admin) throws IOException {
    WireException why = null;
    if (admin && !AdminRight.isHeldBy(who)) {
      why = new WireException(ErrorCode.DENIED, AdminRight.MESSAGE);
    } else if (!admin && !policy.admits(who.uid(), who.gid(), who.unixGroups())) {
      String uid = Integer.toUnsignedString(who.uid());
      why = new WireException(ErrorCode.DENIED, "the helper's policy does not admit uid " + uid);
    }
    if (why != null) {
      audit.refused(who.uid(), why);
      throw why;
    }
  }

  Answer answer(Connection connection, String line) {
    try {
      Request request = Request.parse(line);
      boolean admin = connection.tenant().isAdmin();
      Turns.Lane lane = admin ? Turns.Lane.ADMIN : Turns.Lane.ASK;
      return switch (request.verb()) {
        case REGISTER -> Answer.after(Turns.Lane.PROCESS, register(connection, request));
        case CLAIM -> claim(connection);
        case DATAGRAMS -> {
          Registration own = registrationOf(connection);
          yield question(
              connection,
              Turns.Lane.PROCESS,
              () -> {
                datapath.datagrams(own);
                return Reply.ok(Map.of());
              });
        }
        case TOTALS -> {
          Registration own = registrationOf(connection);
          yield question(connection, lane, () -> Reply.ok(datapath.totals(own).toWire()));
        }
        case FLOWS -> {
          Registration own = connection.registration();
          if (own == null && !admin) {
            yield Answer.of(Reply.ok(Map.of("total", "0")));
          }
          int whose = admin ? Datapath.ALL : own.id();
          yield question(connection, lane, () -> reports.flows(whose, request.limit()));
        }
        case PORTS -> question(connection, lane, () -> reports.ports(connection, request));
        case STATUS -> {
          Registration own = connection.registration();
          yield question(
              connection,
              lane,
              () -> (admin ? reports.status() : reports.statusFor(own)).toReply());
        }
        case DRAIN -> drain(connection, request.waitSeconds());
      };
    } catch (IOException | RuntimeException | Error e) {
      return Answer.of(refusal(connection, e));
    }
  }

  private Reply refusal(Connection connection, Throwable e) {
    if (e instanceof WireException wire) {
      audit.refused(connection.peer().uid(), wire);
      return wire.toReply();
    }
    audit.failed("a request", e);
    return FAILED;
  }

  /** Asks the data path on another thread. */
  private Answer question(Connection connection, Turns.Lane lane, Callable<Reply> ask) {
    return Answer.question(lane, ask, e -> refusal(connection, e));
  }

  private Answer.Work register(Connection connection, Request request) throws IOException {
    GroupWish wish = request.wish();
    Connection.Peer peer = connection.peer();
    Tenant tenant = connection.tenant();
    if (tenant.isAdmin()) {
      throw new WireException(ErrorCode.DENIED, "this socket takes no registrations");
    }
    if (connection.registration() != null) {
      throw new WireException(ErrorCode.ALREADY_REGISTERED, "this connection has a registration");
    }
    GroupWish granted =
        wish == null
            ? null
            : policy.portGroups().grant(wish, peer.uid(), peer.gid(), peer.unixGroups());
    if (tenant.registrations() >= Layouts.UP_MAX_JVMS - registrations) {
      throw new WireException(
          ErrorCode.FULL,
          "uid "
              + Integer.toUnsignedString(peer.uid())
              + " has as many registrations as are left for all others");
    }
    PeerCredentials process = PeerCredentials.of(connection.channel());
    try {
      long startTicks = PeerProcess.startTicks(process);
      endFormer(peer.pid(), startTicks);
      long domains =
          policy
              .trust()
              .domainsOf(
                  peer.uid(),
                  peer.gid(),
                  peer.unixGroups(),
                  granted == null ? "" : granted.group());
      Registration made =
          new Registration(
              nextId++, peer.pid(), startTicks, peer.uid(), domains, request.accelerates());
      Answer.Work work = new Registering(connection, request, made, granted, process);
      if (!registering.add(peer.pid())) {
        throw new WireException(
            ErrorCode.ALREADY_REGISTERED, "the process is about to be registered already");
      }
      count(tenant, 1);
      return work;
    } catch (IOException | RuntimeException | Error e) {
      process.close();
      throw e;
    }
  }

  private void count(Tenant tenant, int more) {
    registrations += more;
    tenant.addRegistrations(more);
  }

  /** A registration looks at the open files of its process, which may take long. */
  private final class Registering implements Answer.Work {
    private final Connection connection;
    private final Request request;
    private final Registration made;
    private final GroupWish granted;
    private final PeerCredentials process;
    private boolean admitted;
    private String identity = "";

    Registering(
        Connection connection,
        Request request,
        Registration made,
        GroupWish granted,
        PeerCredentials process) {
      this.connection = connection;
      this.request = request;
      this.made = made;
      this.granted = granted;
      this.process = process;
    }

    @Override
    public void run() throws IOException {
      try (process) {
        datapath.admit(made);
        admitted = true;
        // Was it still the same process while it was admitted?
        if (PeerProcess.startTicks(process) != made.startTicks()) {
          throw new WireException(ErrorCode.DENIED, "the process has ended");
        }
        identity =
            datapath.joinGroup(made, granted, request.hasDatagrams(), policy.portGroups().pools());
      }
    }

    @Override
    public Reply reply(Throwable failure) {
      registering.remove(made.pid());
      Throwable why = failure;
      if (why == null && connection.isClosed()) {
        why = new WireException(ErrorCode.TIMEOUT, "the connection has ended");
      }
      if (why == null) {
        try {
          return registered();
        } catch (RuntimeException | Error e) {
          why = e;
        }
      }
      if (admitted) {
        leave.accept(connection.tenant(), new Leaving(made, connection.tenant()));
      } else {
        count(connection.tenant(), -1);
      }
      return refusal(connection, why);
    }

    private Reply registered() {
      Map<String, String> fields = new LinkedHashMap<>();
      fields.put("id", Integer.toString(made.id()));
      fields.put("proto", Integer.toString(Version.PROTOCOL));
      fields.put("helper", Version.VERSION);
      fields.put("level", Integer.toString(SocketOptions.LEVEL));
      fields.put("state", datapath.state().wireName());
      fields.put("reason", datapath.state() == HelperState.REFUSED ? datapath.reason() : "");
      Probe.toWire(datapath.probes(), fields);
      if (granted != null) {
        fields.put("group", granted.group());
        fields.put("identity", identity);
      }
      String group = granted == null ? "" : granted.group();
      audit.event(
          made.uid(),
          "registered id=%d pid=%d uid=%s agent=%s%s%s"
              .formatted(
                  made.id(),
                  made.pid(),
                  Integer.toUnsignedString(made.uid()),
                  request.fields().get("agent").replace(' ', '?'), // it is one word of the line
                  group.isEmpty() ? "" : " group=" + group,
                  identity.isEmpty() ? "" : " identity=" + identity));
      Reply reply = Reply.ok(fields);
      connection.register(made, group);
      registered.put(made.id(), connection);
      return reply;
    }
  }

  /** What was a registration's goes back; to detach hooks takes its time. */
  private final class Leaving implements Answer.Work {
    private final Registration registration;
    private final Tenant tenant;

    Leaving(Registration registration, Tenant tenant) {
      this.registration = registration;
      this.tenant = tenant;
    }

    @Override
    public void run() {
      datapath.dismiss(registration);
    }

    @Override
    public Reply reply(Throwable failure) {
      registered.remove(registration.id());
      count(tenant, -1);
      if (failure != null) {
        // Nobody is there to be told, and the other clients are to be served on.
        audit.failed("dismiss", failure);
      }
      return null;
    }
  }

  /** A process registers once; what an earlier process with that pid left (to a child) ends. */
  private void endFormer(int pid, long startTicks) throws WireException {
    for (Connection other : registered.values()) {
      Registration former = other.registration();
      if (former.pid() != pid || other.isClosed()) {
        continue;
      }
      if (former.startTicks() == startTicks) {
        throw new WireException(
            ErrorCode.ALREADY_REGISTERED, "the process is registered on another connection");
      }
      other.close();
    }
  }

  /** To be called when a connection is over. */
  void ended(Connection connection) {
    Registration was = connection.registration();
    if (was != null && registered.containsKey(was.id())) {
      audit.event(was.uid(), "ended id=%d pid=%d".formatted(was.id(), was.pid()));
      leave.accept(connection.tenant(), new Leaving(was, connection.tenant()));
    }
  }

  /** The answer comes when it is done, from the stop's own thread. */
  private Answer drain(Connection connection, int waitSeconds) throws WireException {
    if (!connection.tenant().isAdmin()) {
      throw new WireException(
          ErrorCode.DENIED, "only root may stop the helper, over its socket for administration");
    }
    if (draining) {
      throw new WireException(ErrorCode.UNAVAILABLE, "the helper is stopping already");
    }
    draining = true;
    audit.event(
        connection.peer().uid(), "drain asked by pid=%d".formatted(connection.peer().pid()));
    stop.drain(connection, Duration.ofSeconds(waitSeconds));
    return Answer.OWED;
  }

  /** Each look goes through all open files of the process. */
  private Answer claim(Connection connection) throws IOException {
    Registration registration = registrationOf(connection);
    if (!connection.mayClaim(System.nanoTime())) {
      throw new WireException(ErrorCode.DENIED, "CLAIM comes at most once in a second");
    }
    return question(
        connection,
        Turns.Lane.PROCESS,
        () -> {
          datapath.claim(registration);
          return Reply.ok(Map.of());
        });
  }

  private static Registration registrationOf(Connection connection) throws WireException {
    if (connection.registration() == null) {
      throw new WireException(ErrorCode.NOT_REGISTERED, "REGISTER comes first");
    }
    return connection.registration();
  }
}
