/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.helper;

import io.underpass.ffm.PeerCredentials;
import io.underpass.ffm.UnixStream;
import io.underpass.protocol.Reply;
import io.underpass.protocol.WireException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * Serves the helper's protocol to all clients on one thread, which sleeps while nothing is asked,
 * and waits for nobody. Those who administer the helper have a socket of their own. The next hop of
 * a request is {@link Requests}; what takes its time is done by {@link Turns}.
 */
final class ControlServer implements AutoCloseable {
  /**
   * What clients can take of the helper.
   *
   * @param connections of all clients; see {@link Tenants}
   * @param unregistered of one uid, of connections without a registration
   * @param looks of one uid, at its processes, in a second
   * @param processor of one uid, for all that it asks
   * @param patience how long a client may take to register, a request to arrive, and a reply to be
   *     read
   * @param replyBytes of all replies together that wait to be read; a uid has a quarter at most
   */
  record Limits(
      int connections,
      int unregistered,
      int looks,
      double processor,
      Duration patience,
      int replyBytes) {
    /** As many connections as registrations, and some to ask for the status. */
    static final Limits DEFAULT = new Limits(1100, 64, 100, 0.1, Duration.ofSeconds(5), 4 << 20);
  }

  /** Connections that are accepted between two looks at those that there are. */
  private static final int ACCEPTS = 64;

  /** After a failed accept (no descriptor left) the listener rests. */
  private static final long ACCEPT_PAUSE_NANOS = 1_000_000_000;

  /** Where sockets are about to be closed, the selector has to look again. */
  private static final long LOOK_AGAIN_NANOS = 5_000_000;

  /** More rounds in a row that fail are no accident: the helper is to be started anew. */
  private static final int MAX_FAILURES = 10;

  /** A stop does not wait longer for the thread. */
  private static final Duration CLOSE_WAIT = Duration.ofSeconds(1);

  private final List<Gate> gates;
  private final Requests requests;
  private final Limits limits;
  private final Audit audit;
  private final Selector selector;
  private final Thread thread;
  private final CountDownLatch over = new CountDownLatch(1);

  /** Of the server's thread, as are those below. */
  private final Set<Connection> connections = new HashSet<>();

  private final Tenants tenants;
  private final Turns turns;
  private final Closer closer;

  /** Whose sockets are to be closed at the end of the round. */
  private final Deque<Connection> ended = new ArrayDeque<>();

  /** When time-outs are looked at. */
  private long look = Connection.NEVER;

  private long acceptAgain = Connection.NEVER;

  private volatile boolean closing;

  /** What other threads want done on the server's. */
  private final Queue<Runnable> owed = new ConcurrentLinkedQueue<>();

  /** A listening socket. */
  private record Gate(ControlSocket socket, SelectionKey key, boolean admin) {}

  /**
   * Takes the sockets over; the thread starts with {@link #start}.
   *
   * @param admin for whoever has the right to administer the helper
   */
  ControlServer(
      ControlSocket clients, ControlSocket admin, Requests requests, Limits limits, Audit audit)
      throws IOException {
    this.requests = requests;
    this.limits = limits;
    this.audit = audit;
    this.selector = Selector.open();
    this.gates = List.of(gate(clients, false), gate(admin, true));
    this.tenants = new Tenants(limits);
    this.turns = new Turns(tenants::hasRoom, selector::wakeup, e -> audit.failed("an answer", e));
    this.closer = new Closer(this::onServer);
    this.thread = Thread.ofPlatform().daemon().name("underpass-control").unstarted(this::run);
    requests.leaveBy((tenant, work) -> turns.add(tenant, Turns.Lane.LEAVE, work, nobody -> {}));
  }

  private Gate gate(ControlSocket socket, boolean admin) throws IOException {
    SelectionKey key = socket.channel().register(selector, SelectionKey.OP_ACCEPT);
    Gate gate = new Gate(socket, key, admin);
    key.attach(gate);
    return gate;
  }

  void start() {
    thread.start();
  }

  private void run() {
    int failures = 0;
    try {
      while (!closing) {
        try {
          round();
          failures = 0;
        } catch (IOException | RuntimeException | Error e) {
          audit.failed("a round of the control server", e);
          if (++failures == MAX_FAILURES) {
            return;
          }
        }
      }
    } finally {
      over.countDown();
      end();
    }
  }

  /** The data path takes everything back at once: registrations are not dismissed one by one. */
  private void end() {
    for (Runnable job = owed.poll(); job != null; job = owed.poll()) {
      job.run(); // a last answer
    }
    for (Connection connection : connections) {
      closer.close(connection.channel(), () -> {});
    }
    gates.forEach(gate -> gate.socket.close());
    try {
      selector.close(); // which closes what was closed
    } catch (IOException e) {
      audit.failed("the selector's end", e);
    }
    closer.go();
    closer.close();
  }

  private void round() throws IOException {
    selector.select(this::ready, waitMillis(System.nanoTime()));
    closer.go();
    // What fails (no memory, say) stays, and is tried again by the next round.
    for (Runnable job = owed.peek(); job != null; job = owed.peek()) {
      job.run();
      owed.remove();
    }
    long now = System.nanoTime();
    turns.finish(now);
    expire(now);
    for (Connection connection = ended.peek(); connection != null; connection = ended.peek()) {
      release(connection);
      ended.remove();
    }
    turns.go(now);
  }

  /** 0, for ever, if nothing is to be done at any time. */
  private long waitMillis(long now) {
    long next = Math.min(acceptAgain, look);
    long turn = turns.nanosUntilStart(now);
    if (turn != Connection.NEVER) {
      next = Math.min(next, now + turn);
    }
    if (closer.isWaiting()) {
      next = Math.min(next, now + LOOK_AGAIN_NANOS);
    }
    return next == Connection.NEVER ? 0 : Math.max(1, (next - now + 999_999) / 1_000_000);
  }

  private void ready(SelectionKey key) {
    long now = System.nanoTime();
    if (key.attachment() instanceof Gate gate) {
      accept(gate, now);
      return;
    }
    Connection connection = (Connection) key.attachment();
    try {
      String line = connection.advance(now, limits.patience().toNanos());
      if (line != null) {
        answer(connection, line);
      }
      look = Math.min(look, connection.deadline());
      connection.tenant().spend(System.nanoTime() - now, now);
    } catch (RuntimeException | Error e) {
      audit.failed("a client's request", e);
      connection.close();
    }
  }

  private void answer(Connection connection, String line) {
    Answer answer = requests.answer(connection, line);
    if (answer.reply() != null) {
      send(connection, answer.reply());
    } else if (answer.work() != null) {
      turns.add(
          connection.tenant(), answer.lane(), answer.work(), reply -> send(connection, reply));
    }
  }

  private void send(Connection connection, Reply reply) {
    try {
      connection.answer(reply, System.nanoTime() + limits.patience().toNanos());
      look = Math.min(look, connection.deadline());
    } catch (RuntimeException | Error e) {
      audit.failed("a reply", e);
      connection.close();
    }
  }

  private void accept(Gate gate, long now) {
    for (int i = 0; i < ACCEPTS; i++) {
      SocketChannel channel;
      try {
        channel = gate.socket.channel().accept();
      } catch (IOException e) {
        audit.failed("accept", e);
        gates.forEach(g -> g.key.interestOps(0));
        acceptAgain = now + ACCEPT_PAUSE_NANOS;
        return;
      }
      if (channel == null) {
        return;
      }
      try {
        admit(channel, gate.admin, now);
      } catch (WireException e) {
        refuse(channel, e);
      } catch (IOException | RuntimeException | Error e) {
        audit.failed("a new client", e);
        onServer(() -> closer.close(channel, () -> {}));
      }
    }
  }

  private void admit(SocketChannel channel, boolean admin, long now) throws IOException {
    channel.configureBlocking(false);
    UnixStream.prepare(channel);
    Connection.Peer peer;
    try (PeerCredentials who = PeerCredentials.of(channel)) {
      peer = new Connection.Peer(who.pid(), who.uid(), who.gid(), who.unixGroups());
      requests.checkMayAsk(who, admin);
    }
    Tenant tenant;
    try {
      tenant = admin ? tenants.administration() : tenants.of(peer.uid(), now);
      tenants.open(tenant);
    } catch (WireException e) {
      audit.refused(peer.uid(), e);
      throw e;
    }
    long registerBy = admin ? Connection.NEVER : now + limits.patience().toNanos();
    SelectionKey key = channel.register(selector, SelectionKey.OP_READ);
    Connection connection =
        new Connection(channel, key, peer, tenant, registerBy, c -> ended.add(c));
    key.attach(connection);
    connections.add(connection);
    look = Math.min(look, connection.deadline());
  }

  /** What fits into the socket's buffer, and the end. */
  private void refuse(SocketChannel channel, WireException why) {
    try {
      channel.write(ByteBuffer.wrap(why.toReply().toBytes()));
    } catch (IOException | RuntimeException | Error e) {
      audit.failed("a refusal", e); // it has gone; or there is no memory
    }
    onServer(() -> closer.close(channel, () -> {}));
  }

  private void expire(long now) {
    if (acceptAgain <= now) {
      acceptAgain = Connection.NEVER;
      gates.forEach(gate -> gate.key.interestOps(SelectionKey.OP_ACCEPT));
    }
    if (now < look) {
      return;
    }
    look = Connection.NEVER;
    for (Connection connection : connections) {
      if (connection.deadline() <= now) {
        audit.timedOut(connection.peer().uid());
        connection.expire(now, limits.patience().toNanos());
      }
      look = Math.min(look, connection.deadline());
    }
  }

  /** Its socket is closed, and its registration ends. */
  private void release(Connection connection) {
    requests.ended(connection);
    closer.close(connection.channel(), () -> tenants.closed(connection.tenant()));
    connections.remove(connection);
    if (connection.registration() == null) {
      connection.tenant().addUnregistered(-1);
    }
  }

  private void onServer(Runnable job) {
    owed.add(job);
    selector.wakeup();
  }

  /**
   * Sends the answer that {@link Requests} owed a connection. What does not fit the connection's
   * buffer at once may be lost if the server is closed next.
   */
  void answer(Connection connection, Reply reply) throws InterruptedException {
    CountDownLatch sent = new CountDownLatch(1);
    onServer(
        () -> {
          send(connection, reply);
          sent.countDown();
        });
    if (!sent.await(limits.patience().toMillis(), TimeUnit.MILLISECONDS)) {
      audit.failed("the answer to DRAIN was not sent", null);
    }
  }

  /** Something that the helper cannot do without has failed: it serves no more. */
  void fail(Throwable e) {
    audit.failed("a thread that the helper needs", e);
    closing = true;
    over.countDown();
    selector.wakeup();
  }

  /** Waits until it serves no more: it was closed, or it failed, which its log then says. */
  void awaitEnd() throws InterruptedException {
    over.await();
  }

  /** Ends all connections and removes the sockets; does not wait for long, whatever hangs. */
  @Override
  public void close() {
    closing = true;
    turns.close();
    selector.wakeup();
    try {
      if (thread.getState() == Thread.State.NEW) {
        end();
      } else if (!thread.join(CLOSE_WAIT)) {
        audit.failed("the control server does not end", null);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
