/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.helper;

import io.underpass.ffm.ThreadClock;
import io.underpass.protocol.Reply;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.function.Consumer;
import java.util.function.Predicate;

/**
 * Gives work to threads, in turns between uids: each gets one piece done before any gets the next,
 * only so many are in work for one uid at once, and who has used up what he may use waits. Belongs
 * to the server's thread, except where it says otherwise.
 */
final class Turns implements AutoCloseable {
  /** A kind of work. Each has threads of its own: none waits for another. */
  enum Lane {
    /**
     * Looks at a process's open files, and may hang for as long as its owner likes: each thread
     * alone, and so few for a uid that four have to join to hold up the others.
     */
    PROCESS(16, 4),
    /** Reads what the kernel has counted. */
    ASK(1, 1),
    /** The same, for those who administer the helper. */
    ADMIN(1, 1),
    /** Takes back what was a registration's. */
    LEAVE(1, 1);

    private final int threads;
    private final int each;

    Lane(int threads, int each) {
      this.threads = threads;
      this.each = each;
    }
  }

  /** Where there is no memory to say that something is done, this is how long it is tried again. */
  private static final long AGAIN_MILLIS = 10;

  private final Predicate<Tenant> hasRoom;
  private final Runnable wake;
  private final Consumer<Throwable> trouble;
  private final Map<Lane, Line> lines = new EnumMap<>(Lane.class);

  /** What is done; written by any thread. */
  private final Queue<Job> done = new ConcurrentLinkedQueue<>();

  /**
   * @param hasRoom whether a uid's reply may be large now
   * @param wake has the server's thread call {@link #finish}; called by any thread
   * @param trouble is told of replies that could not be made
   */
  Turns(Predicate<Tenant> hasRoom, Runnable wake, Consumer<Throwable> trouble) {
    this.hasRoom = hasRoom;
    this.wake = wake;
    this.trouble = trouble;
    for (Lane lane : Lane.values()) {
      lines.put(lane, new Line(lane));
    }
  }

  /** A piece of work, and, later, what came of it. */
  private final class Job implements Runnable {
    private final Line line;
    private final Tenant tenant;
    private final Answer.Work work;
    private final Consumer<Reply> then;
    private Throwable failure;
    private long nanos;

    Job(Line line, Tenant tenant, Answer.Work work, Consumer<Reply> then) {
      this.line = line;
      this.tenant = tenant;
      this.work = work;
      this.then = then;
    }

    /** Whatever it throws, an Error too, is the request's failure, and not the thread's. */
    @Override
    public void run() {
      try {
        long before = ThreadClock.nanos();
        try {
          work.run();
        } finally {
          nanos = ThreadClock.nanos() - before;
        }
      } catch (Throwable e) {
        failure = e;
      }
      deliver();
    }

    /** What is not delivered would keep its uid's place for ever. */
    private void deliver() {
      boolean added = false;
      boolean told = false;
      while (!told) {
        try {
          if (!added) {
            done.add(this);
            added = true;
          }
          wake.run();
          told = true;
        } catch (OutOfMemoryError e) {
          pause();
        }
      }
    }
  }

  private static void pause() {
    try {
      Thread.sleep(AGAIN_MILLIS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Those who wait for one kind of work. */
  private final class Line {
    private final Lane lane;
    private final ThreadPoolExecutor threads;

    /** In the order of their turns. */
    private final Map<Tenant, Deque<Job>> waiting = new LinkedHashMap<>();

    private final Map<Tenant, Integer> inWork = new HashMap<>();
    private int busy;

    Line(Lane lane) {
      this.lane = lane;
      this.threads = Spare.threads(lane.name().toLowerCase(Locale.ROOT), lane.threads);
    }

    void go(long now) {
      boolean started = true;
      while (started) {
        started = false;
        for (Tenant tenant : List.copyOf(waiting.keySet())) {
          if (busy < lane.threads && nanosUntilStart(tenant, now) == 0) {
            start(tenant, now);
            started = true;
          }
        }
      }
    }

    /** When its turn may come, as far as the clock decides that; else NEVER. */
    private long nanosUntilStart(Tenant tenant, long now) {
      if (inWork.getOrDefault(tenant, 0) >= lane.each) {
        return Connection.NEVER;
      }
      return switch (lane) {
        case PROCESS -> tenant.nanosUntilLook(now);
        case ASK -> hasRoom.test(tenant) ? tenant.nanosUntilAsk(now) : Connection.NEVER;
        case ADMIN, LEAVE -> 0;
      };
    }

    private void start(Tenant tenant, long now) {
      Deque<Job> jobs = waiting.remove(tenant);
      Job job = jobs.removeFirst();
      if (!jobs.isEmpty()) {
        waiting.put(tenant, jobs); // at the end
      }
      if (lane == Lane.PROCESS) {
        tenant.look(now);
      }
      busy++;
      inWork.merge(tenant, 1, Integer::sum);
      try {
        threads.execute(job);
      } catch (RuntimeException | Error e) { // no thread can be made
        job.failure = e;
        job.deliver();
      }
    }

    void done(Tenant tenant) {
      busy--;
      inWork.computeIfPresent(tenant, (_, n) -> n == 1 ? null : n - 1);
    }

    long nanosUntilStart(long now) {
      long least = Connection.NEVER;
      if (busy < lane.threads) {
        for (Tenant tenant : waiting.keySet()) {
          least = Math.min(least, nanosUntilStart(tenant, now));
        }
      }
      return least;
    }
  }

  /**
   * Has something done when it is its turn.
   *
   * @param then gets the reply, on the server's thread
   */
  void add(Tenant tenant, Lane lane, Answer.Work work, Consumer<Reply> then) {
    Line line = lines.get(lane);
    line.waiting
        .computeIfAbsent(tenant, _ -> new ArrayDeque<>())
        .add(new Job(line, tenant, work, then));
  }

  /** Starts whatever may be started. */
  void go(long now) {
    for (Line line : lines.values()) {
      line.go(now);
    }
  }

  /** Hands over the replies of what is done. */
  void finish(long now) {
    for (Job job = done.poll(); job != null; job = done.poll()) {
      job.line.done(job.tenant);
      job.tenant.spend(job.nanos, now);
      Reply reply;
      try {
        reply = job.work.reply(job.failure);
      } catch (RuntimeException | Error e) {
        trouble.accept(e);
        reply = Requests.FAILED;
      }
      job.then.accept(reply);
    }
  }

  /** In how many nanoseconds {@link #go} may start more, though nothing is done meanwhile. */
  long nanosUntilStart(long now) {
    long least = Connection.NEVER;
    for (Line line : lines.values()) {
      least = Math.min(least, line.nanosUntilStart(now));
    }
    return least;
  }

  /** What is in work goes on; what waits is not begun. */
  @Override
  public void close() {
    lines.values().forEach(line -> line.threads.shutdown());
  }
}
