package io.underpass.agent.hooks;

import java.util.concurrent.locks.LockSupport;

/**
 * Makes connections known to the kernel's part: those that have lasted, or that read a lot, and no
 * others. A record in the kernel costs about as much as a tenth of a short connection, which could
 * never win it back.
 *
 * <p>A daemon thread looks through the table of open sockets while there are new ones in it, and
 * sleeps otherwise. It may meet a descriptor that is being closed, and even one whose number has
 * become another socket's of this JVM: that one is then known a little early, no more.
 */
final class Joins implements Runnable {
  /**
   * Between two looks through the table. A connection that two of them meet has lasted: whoever
   * makes one has no time to look at the clock.
   */
  private static final long TICK_NANOS = 15_000_000;

  /** A look through a large table may take one part in so many of the time. */
  private static final long SHARE = 50;

  private final SocketTable table;
  private final SocketCounts counts;
  private final Sockopts sockopts;
  private final boolean atOnce;
  private final Thread thread;

  /**
   * The thread sleeps until there is a new connection. Set by it alone, before it looks at the
   * count a last time; cleared by whoever wakes it, after the count has gone up.
   */
  private volatile boolean idle;

  private Joins(SocketTable table, SocketCounts counts, Sockopts sockopts, boolean atOnce) {
    this.table = table;
    this.counts = counts;
    this.sockopts = sockopts;
    this.atOnce = atOnce;
    this.thread =
        Thread.ofPlatform()
            .name("underpass-join")
            .daemon()
            .inheritInheritableThreadLocals(false)
            .unstarted(this);
    thread.setContextClassLoader(null);
  }

  /**
   * Starts the thread.
   *
   * @param atOnce whether a connection joins as soon as it is made
   */
  static Joins start(SocketTable table, SocketCounts counts, Sockopts sockopts, boolean atOnce) {
    Joins joins = new Joins(table, counts, sockopts, atOnce);
    joins.thread.start();
    return joins;
  }

  /**
   * There is a new connection. It is in the table, and has been counted after that: a look through
   * the table that began with this count has seen it.
   */
  void added(SocketRecord socket) throws Throwable {
    if (atOnce) {
      busy(socket);
    } else if (idle) {
      idle = false;
      LockSupport.unpark(thread);
    }
  }

  /**
   * A registration is made. The helper has looked for the connections that there were; which of
   * them it saw is not known, so all are asked for.
   */
  void registered() {
    for (SocketRecord record : table.records()) {
      if (record.isConnected()) {
        record.join();
        try {
          sockopts.join(record.fd());
        } catch (Throwable e) {
          Hooks.suppressed(e);
        }
      }
    }
  }

  /** It reads a lot: worth it, however young. */
  void busy(SocketRecord socket) throws Throwable {
    if (socket.join()) {
      sockopts.join(socket.fd());
    }
  }

  @Override
  public void run() {
    long seen = 0;
    long pause = TICK_NANOS;
    while (true) {
      long now = counts.connections();
      if (now == seen) {
        awaitAdded(seen);
      }
      sleep(pause);
      long begin = System.nanoTime();
      now = counts.connections();
      try {
        if (!lookThrough()) {
          seen = now;
        }
      } catch (Throwable e) {
        Hooks.suppressed(e);
      }
      pause = Math.max(TICK_NANOS, SHARE * (System.nanoTime() - begin));
    }
  }

  private void awaitAdded(long seen) {
    idle = true;
    while (idle && counts.connections() == seen) {
      LockSupport.park(this);
    }
    idle = false;
  }

  /** Whether some are too young yet. */
  private boolean lookThrough() throws Throwable {
    boolean young = false;
    for (SocketRecord record : table.records()) {
      if (!record.isConnected() || record.isJoined()) {
        continue;
      }
      if (!record.wasSeen()) {
        young = true;
      } else if (record.join()) {
        sockopts.join(record.fd());
      }
    }
    return young;
  }

  private static void sleep(long nanos) {
    long end = System.nanoTime() + nanos;
    // Nobody has reason to interrupt it; whoever does gets an early look.
    LockSupport.parkNanos(end - System.nanoTime());
    Thread.interrupted();
  }
}
