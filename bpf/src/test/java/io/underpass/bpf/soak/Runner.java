/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.bpf.soak;

import io.underpass.bpf.Joining;
import io.underpass.bpf.soak.Group.Failure;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.locks.LockSupport;

/** Runs groups, one after the other, with a few threads that share a group's connections. */
final class Runner implements AutoCloseable {
  private static final List<String> ADDRESSES = List.of("127.0.0.1", "::1");

  /** Ports that a worker listens on, for each address: so many more connections can wait out. */
  private static final int LISTENERS = 8;

  private final Enrolment enrolment;
  private final ExecutorService threads = Executors.newCachedThreadPool();
  private final List<Worker> workers = new ArrayList<>();

  /**
   * @param enrolment null to run plain, which is how the model itself is tested
   */
  Runner(Enrolment enrolment, int workers) throws IOException {
    this.enrolment = enrolment;
    for (int i = 0; i < workers; i++) {
      this.workers.add(new Worker(i));
    }
  }

  /** As many as there are processors, so that a waiting one leaves none idle. */
  static int defaultWorkers() {
    return Math.max(2, Runtime.getRuntime().availableProcessors());
  }

  /** Runs a group to its end; returns what failed. */
  List<Failure> run(Group group, Score score) throws IOException, InterruptedException {
    if (enrolment != null) {
      enrolment.begin(group.regime());
    }
    for (Worker worker : workers) {
      worker.prepare(group);
    }
    all(Worker::open);
    Future<?> racing = null;
    for (Event event : group.events()) {
      all(worker -> worker.step(event.tick()));
      await(racing);
      racing = null;
      if (enrolment != null && event.racing()) {
        racing = threads.submit(() -> perform(event));
      } else if (enrolment != null) {
        perform(event);
      }
    }
    all(worker -> worker.step(Integer.MAX_VALUE));
    all(Worker::finish);
    await(racing);
    List<Failure> failures = new ArrayList<>();
    workers.forEach(worker -> worker.settle(failures, group.regime(), score));
    return failures;
  }

  private Void perform(Event event) throws IOException {
    enrolment.perform(event.action());
    return null;
  }

  private interface Part {
    void of(Worker worker) throws IOException, InterruptedException;
  }

  private void all(Part part) throws IOException, InterruptedException {
    List<Future<?>> parts = new ArrayList<>();
    for (Worker worker : workers) {
      parts.add(
          threads.submit(
              () -> {
                part.of(worker);
                return null;
              }));
    }
    for (Future<?> each : parts) {
      await(each);
    }
  }

  private static void await(Future<?> part) throws IOException, InterruptedException {
    if (part == null) {
      return;
    }
    try {
      part.get();
    } catch (ExecutionException e) {
      throw new IOException("the soak itself failed: " + e.getCause(), e.getCause());
    }
  }

  @Override
  public void close() throws IOException {
    threads.shutdownNow();
    for (Worker worker : workers) {
      worker.close();
    }
  }

  /** Every so-manieth connection of a group; used by one thread at a time. */
  private final class Worker {
    private final int number;
    private final ByteBuffer buffer = ByteBuffer.allocateDirect(Schedules.LARGEST);
    private final Map<Regime, FlowRecords> recordsOf = new EnumMap<>(Regime.class);
    private final List<List<ServerSocketChannel>> listeners = new ArrayList<>();
    private final List<Connection> connections = new ArrayList<>();
    private List<Script> scripts = List.of();
    private FlowRecords records;
    private int opened;

    Worker(int number) throws IOException {
      this.number = number;
      for (String address : ADDRESSES) {
        List<ServerSocketChannel> ports = new ArrayList<>();
        for (int i = 0; i < LISTENERS; i++) {
          ports.add(ServerSocketChannel.open().bind(new InetSocketAddress(address, 0)));
        }
        listeners.add(ports);
      }
    }

    void prepare(Group group) {
      scripts = group.scripts();
      records =
          enrolment == null ? null : recordsOf.computeIfAbsent(group.regime(), enrolment::records);
      connections.clear();
    }

    void open() throws IOException {
      for (int i = number; i < scripts.size(); i += workers.size()) {
        Script script = scripts.get(i);
        ServerSocketChannel listener =
            listeners.get(script.traits().v6() ? 1 : 0).get(opened++ % LISTENERS);
        SocketChannel client = Joining.join(SocketChannel.open(listener.getLocalAddress()));
        int start = (int) ((opened * 7919L + number * 104_729L) % (Content.PERIOD / 2));
        connections.add(
            new Connection(script, client, Joining.join(listener.accept()), start, threads));
      }
    }

    void step(int tick) {
      observe();
      for (Connection connection : connections) {
        connection.run(tick, buffer, records);
      }
    }

    private void observe() {
      for (Connection connection : connections) {
        connection.observe(records);
      }
    }

    void finish() throws IOException, InterruptedException {
      connections.forEach(Connection::finish);
      List<Connection> left = new ArrayList<>(connections);
      long until = System.nanoTime() + Connection.patienceNanos();
      while (true) {
        left.removeIf(connection -> connection.drain(buffer));
        if (left.isEmpty()) {
          break;
        }
        if (System.nanoTime() - until > 0) {
          left.forEach(Connection::stalled);
        }
        LockSupport.parkNanos(300_000);
      }
      observe();
      for (Connection connection : connections) {
        connection.compareCounts(records);
        connection.release();
      }
    }

    void settle(List<Failure> failures, Regime regime, Score score) {
      for (int i = 0; i < connections.size(); i++) {
        Connection connection = connections.get(i);
        score.count(
            connection, regime, enrolment == null ? Long.MAX_VALUE : enrolment.killedNanos());
        if (connection.failure() != null) {
          failures.add(new Failure(number + i * workers.size(), connection.failure()));
        }
      }
    }

    void close() throws IOException {
      for (List<ServerSocketChannel> ports : listeners) {
        for (ServerSocketChannel port : ports) {
          port.close();
        }
      }
    }
  }
}
