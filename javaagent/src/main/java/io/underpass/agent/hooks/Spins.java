package io.underpass.agent.hooks;

import io.underpass.agent.weave.JavaBase;
import java.io.FileDescriptor;
import java.io.IOException;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;

/**
 * Looks for the bytes for some microseconds before a read blocks, on enrolled sockets where that
 * paid lately.
 *
 * <p>A redirected message is there within two or three microseconds. But to wake a thread whose
 * processor has gone idle takes about ten times that, on a virtual machine above all: it is most of
 * a round trip. A thread that is still looking need not be woken.
 *
 * <p>It looks by {@code poll} with a timeout of 0, which takes no lock of the socket, inside the
 * read's own lock and after the read has announced itself: a close waits for it or replaces the
 * descriptor, as it does with the read, and no number of a descriptor can become another socket's.
 * What it sees decides nothing: the read follows in any case.
 */
final class Spins {
  /** Who got over the budget by so much did not run all the time. */
  private static final long PREEMPTED_NANOS = 80_000;

  /** How long a socket counts as enrolled without being asked. */
  private static final long ENROLLED_NANOS = 100_000_000;

  /** Reads without an attempt where all processors have work. */
  private static final int BUSY_REST = 16;

  /** The same on Linux, everywhere. */
  private static final int POLLIN = 1;

  private final Sockopts sockopts;
  private final RunQueue runQueue;
  private final WaitCounts counts;
  private final MethodHandle poll;

  private final Outlook outlook = new Outlook(System.nanoTime());

  private Spins(Sockopts sockopts, RunQueue runQueue, WaitCounts counts, MethodHandle poll) {
    this.sockopts = sockopts;
    this.runQueue = runQueue;
    this.counts = counts;
    this.poll = poll;
  }

  /** Null where it can never pay, for want of a second processor. */
  static Spins open(Sockopts sockopts, WaitCounts counts)
      throws ReflectiveOperationException, IOException {
    RunQueue runQueue = RunQueue.open();
    if (runQueue.processors() < 2) {
      return null;
    }
    MethodHandles.Lookup net = JavaBase.lookup(Sockopts.NET);
    MethodType type = MethodType.methodType(int.class, FileDescriptor.class, int.class, long.class);
    MethodHandle poll = net.findStatic(net.lookupClass(), "poll", type);
    return new Spins(sockopts, runQueue, counts, poll);
  }

  /** A read that blocks is about to begin; under the socket's read lock. */
  void beforeRead(FileDescriptor fd, Spin spin) throws Throwable {
    // A virtual thread that waits gives its processor to another one: it must not hold it.
    if (spin.isDue() && !Thread.currentThread().isVirtual()) {
      attempt(fd, spin);
    }
  }

  private void attempt(FileDescriptor fd, Spin spin) throws Throwable {
    long begin = System.nanoTime();
    if (spin.isTooEarly(begin)) {
      return;
    }
    if (spin.isNew() && outlook.isTooEarly(begin)) {
      spin.rest(Spin.MAX_REST);
      return;
    }
    if (!spin.isEnrolled(begin)) {
      if (!sockopts.isEnrolled(fd)) {
        spin.rest(Spin.PLAIN_REST);
        return;
      }
      spin.enrolledUntil(begin + ENROLLED_NANOS);
    }
    if (!runQueue.hasSpareProcessor(begin)) {
      spin.rest(BUSY_REST);
      return;
    }
    try {
      if (isReadable(fd)) {
        spin.ready(begin);
      } else {
        spin(fd, spin);
      }
    } catch (IOException e) {
      // The read meets the same, and tells it.
      spin.lost(begin);
    }
  }

  private void spin(FileDescriptor fd, Spin spin) throws Throwable {
    long budget = spin.budgetNanos();
    long begin = System.nanoTime();
    long now = begin;
    boolean readable = false;
    while (!readable && now - begin < budget) {
      readable = isReadable(fd);
      now = System.nanoTime();
    }
    // Bytes that came while another thread had the processor would have come to a sleeper too.
    if (readable && now - begin < budget + PREEMPTED_NANOS) {
      counts.won();
      spin.won();
      outlook.won();
    } else {
      counts.lost();
      spin.lost(now);
      if (spin.isNew()) {
        outlook.lost(now);
      }
    }
  }

  private boolean isReadable(FileDescriptor fd) throws Throwable {
    return (int) poll.invokeExact(fd, POLLIN, 0L) != 0;
  }
}
