package io.underpass.helper;

import io.underpass.ffm.PeerCredentials;
import io.underpass.protocol.ErrorCode;
import io.underpass.protocol.Reply;
import io.underpass.protocol.WireException;
import java.io.IOException;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/**
 * Serves the helper's protocol to all clients on one thread, which sleeps while nothing is asked.
 * The next hop of a request is {@link Requests}.
 */
final class ControlServer implements AutoCloseable {
  /**
   * What clients can take of the helper.
   *
   * @param connections of all clients; {@link #RESERVE} of them only root gets
   * @param perUid of one uid; root is not bound by it
   * @param patience how long a request may take to arrive, and a reply to be read
   * @param replyBytes of all replies together that wait to be read
   */
  record Limits(int connections, int perUid, Duration patience, int replyBytes) {
    /** As many connections as registrations, and some to ask for the status. */
    static final Limits DEFAULT = new Limits(1100, 256, Duration.ofSeconds(5), 4 << 20);
  }

  /** So that root can look at a helper which others keep busy. */
  private static final int RESERVE = 32;

  /** After a failed accept (no descriptor left) the listener rests. */
  private static final long ACCEPT_PAUSE_NANOS = 1_000_000_000;

  /** So many registrations can be in work at once; others wait for their turn. */
  private static final int WORKERS = 16;

  /** A thread that has nothing to do ends after so long. */
  private static final long IDLE_SECONDS = 10;

  private final ControlSocket socket;
  private final Requests requests;
  private final Limits limits;
  private final Audit audit;
  private final Selector selector;
  private final SelectionKey listener;
  private final Thread thread;

  /** Of the server's thread, as are the two below. */
  private final Set<Connection> connections = new HashSet<>();

  private final Map<Integer, Integer> perUid = new HashMap<>();
  private long acceptAgain = Connection.NEVER;

  private volatile boolean closing;

  /** Answers that took longer, to be sent by the server's thread. */
  private final Queue<Runnable> owed = new ConcurrentLinkedQueue<>();

  /** Do what may take long, or wait for a process: each of them may hang alone. */
  private final ThreadPoolExecutor workers;

  /** Takes the socket over; the thread starts with {@link #start}. */
  ControlServer(ControlSocket socket, Requests requests, Limits limits, Audit audit)
      throws IOException {
    this.socket = socket;
    this.requests = requests;
    this.limits = limits;
    this.audit = audit;
    this.selector = Selector.open();
    this.listener = socket.channel().register(selector, SelectionKey.OP_ACCEPT);
    this.thread = Thread.ofPlatform().daemon().name("underpass-control").unstarted(this::run);
    this.workers =
        new ThreadPoolExecutor(
            WORKERS,
            WORKERS,
            IDLE_SECONDS,
            TimeUnit.SECONDS,
            new LinkedBlockingQueue<>(),
            Thread.ofPlatform().daemon().name("underpass-register-", 0).factory());
    workers.allowCoreThreadTimeOut(true);
  }

  void start() {
    thread.start();
  }

  private void run() {
    try {
      while (!closing) {
        selector.select(this::ready, waitMillis(System.nanoTime()));
        for (Runnable answer = owed.poll(); answer != null; answer = owed.poll()) {
          answer.run();
        }
        expire(System.nanoTime());
      }
    } catch (IOException | RuntimeException | Error e) {
      audit.refused("the control server failed", e.toString());
    } finally {
      // The data path takes everything back at once: registrations are not dismissed one by one.
      connections.forEach(Connection::close);
      socket.close();
    }
  }

  /** 0, for ever, if no time-out runs. */
  private long waitMillis(long now) {
    long next = acceptAgain;
    for (Connection connection : connections) {
      next = Math.min(next, connection.deadline());
    }
    return next == Connection.NEVER ? 0 : Math.max(1, (next - now + 999_999) / 1_000_000);
  }

  private void ready(SelectionKey key) {
    long now = System.nanoTime();
    if (key.equals(listener)) {
      accept(now);
      return;
    }
    Connection connection = (Connection) key.attachment();
    connection.advance(this::answer, now, limits.patience().toNanos());
    forgetIfClosed(connection);
  }

  private Reply answer(Connection connection, String line) {
    int waiting = 0;
    for (Connection other : connections) {
      waiting += other.pendingBytes();
    }
    if (waiting > limits.replyBytes()) {
      return Reply.error(ErrorCode.FULL, "too many replies wait to be read; ask again later");
    }
    Answer answer = requests.answer(connection, line);
    if (answer.work() != null) {
      workers.execute(() -> work(connection, answer.work()));
    }
    return answer.reply();
  }

  private void work(Connection connection, Answer.Work work) {
    Answer.Finish finish = work.run();
    owed.add(
        () -> {
          connection.answer(finish.reply(), System.nanoTime() + limits.patience().toNanos());
          forgetIfClosed(connection);
        });
    selector.wakeup();
  }

  private void accept(long now) {
    SocketChannel channel;
    try {
      channel = socket.channel().accept();
    } catch (IOException e) {
      audit.refused("cannot accept a connection", e.toString());
      listener.interestOps(0);
      acceptAgain = now + ACCEPT_PAUSE_NANOS;
      return;
    }
    if (channel == null) {
      return;
    }
    try {
      Connection.Peer peer;
      try (PeerCredentials who = PeerCredentials.of(channel)) {
        peer = new Connection.Peer(who.pid(), who.uid(), who.gid(), who.groups());
      }
      channel.configureBlocking(false);
      SelectionKey key = channel.register(selector, SelectionKey.OP_READ);
      Connection connection = new Connection(channel, key, peer);
      key.attach(connection);
      connections.add(connection);
      perUid.merge(peer.uid(), 1, Integer::sum);
      String uid = Integer.toUnsignedString(peer.uid());
      if (isTooMany(peer.uid())) {
        audit.refused("full uid=" + uid, "");
        connection.refuse(
            new WireException(ErrorCode.FULL, "too many connections"),
            now + limits.patience().toNanos());
        forgetIfClosed(connection);
      }
    } catch (IOException e) {
      audit.refused("cannot tell who connects", e.toString());
      try {
        channel.close();
      } catch (IOException gone) {
        // It is over either way.
      }
    }
  }

  /** With the new connection counted. */
  private boolean isTooMany(int uid) {
    if (uid == 0) {
      return connections.size() > limits.connections();
    }
    return perUid.get(uid) > limits.perUid()
        || connections.size() > Math.max(0, limits.connections() - RESERVE);
  }

  private void expire(long now) {
    if (acceptAgain <= now) {
      acceptAgain = Connection.NEVER;
      listener.interestOps(SelectionKey.OP_ACCEPT);
    }
    for (Connection connection : Set.copyOf(connections)) {
      if (connection.deadline() <= now) {
        String uid = Integer.toUnsignedString(connection.peer().uid());
        audit.refused("timeout uid=" + uid, "");
        connection.expire(now, limits.patience().toNanos());
      }
      forgetIfClosed(connection);
    }
  }

  private void forgetIfClosed(Connection connection) {
    if (connection.isClosed() && connections.remove(connection)) {
      perUid.computeIfPresent(connection.peer().uid(), (uid, n) -> n == 1 ? null : n - 1);
      requests.ended(connection);
    }
  }

  /**
   * Sends the answer that {@link Requests} owed a connection. What does not fit the connection's
   * buffer at once may be lost if the server is closed next.
   */
  void answer(Connection connection, Reply reply) throws InterruptedException {
    CountDownLatch sent = new CountDownLatch(1);
    owed.add(
        () -> {
          connection.answer(reply, System.nanoTime() + limits.patience().toNanos());
          forgetIfClosed(connection);
          sent.countDown();
        });
    selector.wakeup();
    if (!sent.await(limits.patience().toMillis(), TimeUnit.MILLISECONDS)) {
      audit.refused("the answer to DRAIN was not sent", "");
    }
  }

  /** Waits until it serves no more: it was closed, or it failed, which its log then says. */
  void awaitEnd() throws InterruptedException {
    thread.join();
  }

  /** Ends all connections and removes the socket; returns when the thread has ended. */
  @Override
  public void close() {
    closing = true;
    workers.shutdown();
    selector.wakeup();
    try {
      if (thread.getState() != Thread.State.NEW) {
        thread.join();
      }
      selector.close();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (IOException e) {
      // It held no more than descriptors.
    }
  }
}
