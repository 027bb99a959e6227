/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.agent.hooks;

import io.underpass.agent.jdk.Descriptors;
import io.underpass.agent.jdk.Threads;
import io.underpass.agent.report.ErrorLog;
import java.util.concurrent.locks.LockSupport;

/**
 * Makes connections known to the kernel's part: those that have lasted, or that read a lot, and no
 * others. A record in the kernel costs about as much as a tenth of a short connection, which could
 * never win it back.
 *
 * <p>A daemon thread looks through the table of open sockets while there are new ones in it, or
 * such as have joined lately ({@link Tends}), and sleeps otherwise. It may meet a descriptor that
 * is being closed, and even one whose number has become another socket's of this JVM: that one is
 * then known a little early, no more.
 */
final class Joins implements Runnable {
  /**
   * Between two looks through the table. A connection that two of them meet has lasted: whoever
   * makes one has no time to look at the clock.
   */
  private static final long TICK_NANOS = 15_000_000;

  /** A look through a large table may take one part in so many of the time. */
  private static final long SHARE = 50;

  /** The helper is told at most so often: it looks at all open files of the process. */
  private static final long CLAIM_NANOS = 10_000_000_000L;

  private final SocketTable table;
  private final SocketCounts counts;
  private final Sockopts sockopts;
  private final Tends tends;
  private final boolean atOnce;
  private final Runnable claim;
  private final Thread thread;

  /**
   * The thread sleeps until there is a new connection. Set by it alone, before it looks at the
   * count a last time; cleared by whoever wakes it, after the count has gone up.
   */
  private volatile boolean idle;

  /**
   * A connection was refused; set by whoever asked for it, taken by the thread, which then has the
   * helper look.
   */
  private volatile boolean refused;

  /**
   * All that there are have joined anew, set after they have; taken by the thread, which then tends
   * them as it does new ones.
   */
  private volatile boolean anew;

  /** When the helper was last told to look; of the thread. */
  private long claimedAt = System.nanoTime() - CLAIM_NANOS;

  private Joins(
      SocketTable table,
      SocketCounts counts,
      Sockopts sockopts,
      Tends tends,
      boolean atOnce,
      Runnable claim) {
    this.table = table;
    this.counts = counts;
    this.sockopts = sockopts;
    this.tends = tends;
    this.atOnce = atOnce;
    this.claim = claim;
    this.thread = Threads.daemon("underpass-join", this);
  }

  /**
   * Starts the thread.
   *
   * @param atOnce whether a connection joins as soon as it is made
   * @param claim has the helper look at this process again, and then calls {@link #registered}
   */
  static Joins start(
      SocketTable table,
      SocketCounts counts,
      Sockopts sockopts,
      Tends tends,
      boolean atOnce,
      Runnable claim) {
    Joins joins = new Joins(table, counts, sockopts, tends, atOnce, claim);
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
    }
    wake();
  }

  private void wake() {
    if (idle) {
      idle = false;
      LockSupport.unpark(thread);
    }
  }

  /**
   * The helper has looked for the connections that there are: a registration is made, or was
   * refreshed. Which of them it saw is not known, so all are asked for.
   */
  synchronized void registered() {
    for (SocketRecord record : table.records()) {
      if (record.isConnected()) {
        record.joinAgain();
        try {
          // Who is refused now stays so: the helper has just looked.
          record.joinedAgain(sockopts.join(record.fd()));
          table.rest(Descriptors.numberOf(record.fd()), 0);
        } catch (Throwable e) {
          ErrorLog.AGENT.add(e);
        }
      }
    }
    anew = true;
    wake();
  }

  /** Worth it: it has lasted, or reads a lot, however young. */
  void busy(SocketRecord socket) throws Throwable {
    if (!socket.join()) {
      return;
    }
    boolean granted = sockopts.join(socket.fd());
    socket.joined(granted);
    // One that has just been closed is in the table no more, and was refused for that.
    if (!granted && table.get(Descriptors.numberOf(socket.fd()), socket.fd()) == socket) {
      refused = true;
      wake();
    }
  }

  @Override
  public void run() {
    long seen = 0;
    boolean again = false;
    long pause = TICK_NANOS;
    while (true) {
      if (!again && !anew && counts.connections() == seen) {
        awaitAdded(seen);
      }
      sleep(pause);
      long begin = System.nanoTime();
      long now = counts.connections();
      try {
        again = lookThrough(takeAnew());
        seen = now;
        pause = Math.max(TICK_NANOS, SHARE * (System.nanoTime() - begin));
        claimRefused(); // may wait for the helper: not a part of the look
      } catch (Throwable e) {
        ErrorLog.AGENT.add(e);
      }
    }
  }

  private void awaitAdded(long seen) {
    idle = true;
    while (idle && counts.connections() == seen && !anew) {
      if (!refused) {
        LockSupport.park(this);
      } else if (!isClaimDue()) {
        LockSupport.parkNanos(this, CLAIM_NANOS - (System.nanoTime() - claimedAt));
      } else {
        break;
      }
    }
    idle = false;
  }

  private boolean takeAnew() {
    boolean all = anew;
    if (all) {
      anew = false; // before the look, which then sees what has joined until now
    }
    return all;
  }

  /**
   * @param all whether those that joined long ago are tended too
   * @return whether some are to be met again: they are too young yet, or have joined lately
   */
  private boolean lookThrough(boolean all) throws Throwable {
    boolean again = false;
    for (SocketRecord record : table.records()) {
      if (!record.isConnected()) {
        continue;
      }
      if (!record.isYoung()) {
        again |= tendLately(record, all);
      } else if (!record.wasSeen()) {
        again = true;
      } else {
        busy(record);
        // It has lasted: its next reads need not be many until they may spin.
        table.rest(Descriptors.numberOf(record.fd()), 0);
        again = true;
      }
    }
    return again;
  }

  /** Whether it is to be tended by the next look too: so is an end that only writes. */
  private boolean tendLately(SocketRecord record, boolean all) throws Throwable {
    Tend tend = record.tend();
    if (all) {
      tend.looksAgain();
    }
    if (tend.takeLook() && record.isTended()) {
      tends.tend(record);
    }
    return tend.hasLooks();
  }

  /** The process may have been moved to another cgroup since it registered. */
  private void claimRefused() {
    if (refused && isClaimDue()) {
      refused = false;
      claim.run();
      claimedAt = System.nanoTime();
    }
  }

  private boolean isClaimDue() {
    return System.nanoTime() - claimedAt >= CLAIM_NANOS;
  }

  private static void sleep(long nanos) {
    long end = System.nanoTime() + nanos;
    // Nobody has reason to interrupt it; whoever does gets an early look.
    LockSupport.parkNanos(end - System.nanoTime());
    Thread.interrupted();
  }
}
