/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.bpf.soak;

import io.underpass.bpf.soak.Script.Finish;
import io.underpass.bpf.soak.Script.Reading;
import java.io.IOException;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;

/** One script that runs over one connection. One thread at a time drives it. */
final class Connection {
  /** Far longer than TCP's own timers on an idle machine: what takes longer hangs. */
  static final long PATIENCE_SECONDS = 30;

  /** A step that waits for a reader's thread goes on after this. */
  private static final long READER_NANOS = 300_000;

  private static final int SMALL = 1 << 15;

  private final Script script;
  private final ExecutorService threads;
  private final End client;
  private final End server;
  private final List<Future<?>> readers = new ArrayList<>();
  private final AtomicReference<Throwable> failure = new AtomicReference<>();
  private int next;
  private int resetsLost;

  Connection(
      Script script, SocketChannel one, SocketChannel two, int start, ExecutorService threads)
      throws IOException {
    this.script = script;
    this.threads = threads;
    boolean stepped = script.traits().reading() == Reading.STEPS;
    Stream there = new Stream(start);
    Stream back = new Stream(start + Content.PERIOD / 2);
    client = new End(Side.CLIENT, one, there, back, !stepped);
    server = new End(Side.SERVER, two, back, there, !stepped);
    client.connect(server);
    server.connect(client);
    for (End end : List.of(client, server)) {
      end.channel.setOption(StandardSocketOptions.TCP_NODELAY, script.traits().noDelay());
      end.channel.socket().setOOBInline(true);
      if (script.traits().small()) {
        end.channel.setOption(StandardSocketOptions.SO_RCVBUF, SMALL);
        end.channel.setOption(StandardSocketOptions.SO_SNDBUF, SMALL);
      }
      Reading reading = script.traits().reading();
      if (!reading.isBlocking()) {
        end.channel.configureBlocking(false);
      }
      if (!stepped) {
        if (reading == Reading.TIMED_STREAM) {
          end.channel.socket().setSoTimeout((int) TimeUnit.SECONDS.toMillis(PATIENCE_SECONDS));
        }
        Reader reader = new Reader(end, reading, this::fail);
        end.readBy(reader);
        readers.add(threads.submit(reader));
      }
    }
  }

  /** What went wrong first; null if nothing did. */
  Throwable failure() {
    return failure.get();
  }

  List<End> ends() {
    return List.of(client, server);
  }

  long bytesRead() {
    return client.in.read() + server.in.read();
  }

  /**
   * @param records null where nothing keeps any
   */
  void observe(FlowRecords records) {
    if (records != null && failure.get() == null) {
      guard(
          () -> {
            client.observe(records);
            server.observe(records);
          });
    }
  }

  /**
   * All is read: the counts that people see of it have to be complete.
   *
   * @param records null where nothing keeps any
   */
  void compareCounts(FlowRecords records) {
    if (records != null && failure.get() == null) {
      guard(
          () -> {
            client.compareCounts(records);
            server.compareCounts(records);
          });
    }
  }

  /** Does the steps up to a tick. */
  void run(int tick, ByteBuffer buffer, FlowRecords records) {
    guard(
        () -> {
          while (next < Math.min(tick, script.steps().size()) && failure.get() == null) {
            step(script.steps().get(next++), buffer, records);
          }
        });
  }

  private void step(Step step, ByteBuffer buffer, FlowRecords records) throws IOException {
    switch (step) {
      case Step.Write write -> {
        end(write.side()).endFlood();
        end(write.side()).write(write.size(), write.pieces());
      }
      case Step.Burst burst -> {
        end(burst.side()).endFlood();
        for (int i = 0; i < burst.times(); i++) {
          end(burst.side()).write(burst.size(), 1);
        }
      }
      case Step.Flood flood -> {
        end(flood.side()).endFlood();
        if (script.traits().reading().isBlocking()) {
          end(flood.side()).flood(flood.size(), threads, this::fail);
        } else {
          end(flood.side()).write(Math.min(flood.size(), Schedules.LARGEST), 1);
        }
      }
      case Step.Urgent urgent -> {
        end(urgent.side()).endFlood();
        end(urgent.side()).urgent();
      }
      case Step.Read read -> {
        if (script.traits().reading() == Reading.STEPS) {
          end(read.side()).read(buffer, read.most(), read.pieces());
        } else {
          end(other(read.side())).endFlood();
          awaitReader(end(read.side()));
        }
      }
      case Step.Available available -> {
        if (!end(other(available.side())).isFlooding()) {
          end(available.side()).available(records);
        }
      }
      case Step.Pause pause -> LockSupport.parkNanos(pause.micros() * 1_000L);
      case Step.PinTcp pin -> end(pin.side()).pinTcp();
      case Step.Shutdown shutdown -> {
        end(shutdown.side()).endFlood();
        end(shutdown.side()).shutdown();
      }
      case Step.Close close -> {
        end(close.side()).endFlood();
        observe(records);
        end(close.side()).close(close.abort());
      }
    }
  }

  private static void awaitReader(End end) {
    long until = System.nanoTime() + READER_NANOS;
    while (!end.hasReadAll() && System.nanoTime() - until < 0) {
      LockSupport.parkNanos(20_000);
    }
  }

  /** The steps are through: what is to be shut down before all is read. */
  void finish() {
    guard(
        () -> {
          // A reader's thread ends with its stream only.
          client.endFlood();
          server.endFlood();
          Finish finish =
              script.traits().reading() == Reading.STEPS
                  ? script.traits().finish()
                  : Finish.BOTH_SHUT_DOWN;
          if (finish != Finish.NOTHING) {
            server.shutdown();
          }
          if (finish == Finish.BOTH_SHUT_DOWN) {
            client.shutdown();
          }
        });
  }

  /** Reads on where steps do; true once all has been read at both ends. */
  boolean drain(ByteBuffer buffer) {
    if (script.traits().reading() == Reading.STEPS) {
      guard(
          () -> {
            for (End end : ends()) {
              if (!end.hasReadAll()) {
                end.read(buffer, buffer.capacity(), 1);
              }
            }
          });
    }
    return failure.get() != null || (client.hasReadAll() && server.hasReadAll());
  }

  void stalled() {
    guard(
        () -> {
          for (End end : ends()) {
            resetsLost += end.excuseLostReset() ? 1 : 0;
          }
        });
    if (!client.hasReadAll() || !server.hasReadAll()) {
      fail(new Mismatch("not all is read after " + PATIENCE_SECONDS + " s"));
    }
  }

  /** Resets that TCP has lost, by its own counts. */
  int resetsLost() {
    return resetsLost;
  }

  static long patienceNanos() {
    return TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS);
  }

  /** Closes both ends, and sees that the readers are gone. */
  void release() throws IOException, InterruptedException {
    client.release();
    server.release();
    for (Future<?> reader : readers) {
      try {
        reader.get(PATIENCE_SECONDS, TimeUnit.SECONDS);
      } catch (TimeoutException e) {
        fail(new Mismatch("a reader's thread did not notice the close", e));
      } catch (ExecutionException e) {
        fail(e.getCause());
      }
    }
  }

  private static Side other(Side side) {
    return side == Side.CLIENT ? Side.SERVER : Side.CLIENT;
  }

  private End end(Side side) {
    return side == Side.CLIENT ? client : server;
  }

  private interface Part {
    void run() throws IOException;
  }

  private void guard(Part part) {
    try {
      part.run();
    } catch (IOException | RuntimeException | Mismatch e) {
      fail(e);
    }
  }

  /** Keeps the first failure; closes, so that no thread stays in a write or read. */
  private void fail(Throwable e) {
    if (failure.compareAndSet(null, e)) {
      e.addSuppressed(new IllegalStateException("after step " + next + "; " + ends()));
      try {
        client.release();
        server.release();
      } catch (IOException closing) {
        e.addSuppressed(closing);
      }
    }
  }
}
