/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.agent.hooks;

import io.underpass.agent.jdk.JavaBase;
import io.underpass.agent.jdk.Threads;
import java.io.FileDescriptor;
import java.io.IOException;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.util.concurrent.atomic.AtomicReferenceArray;

/**
 * Looks for the bytes for some microseconds before a read blocks, on enrolled sockets where that
 * paid lately, and before a selector waits that such sockets are read by.
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

  /** Selectors with a number from this one on do not spin. */
  private static final int SELECTORS = 4096;

  /** The same on Linux, everywhere. */
  private static final int POLLIN = 1;

  private final Sockopts sockopts;
  private final RunQueue runQueue;
  private final WaitCounts counts;
  private final MethodHandle poll;
  private final MethodHandle epollWait;

  /**
   * By the number of the epoll instance, of which a selector has one; under the selector's lock.
   */
  private final AtomicReferenceArray<Spin> selectors = new AtomicReferenceArray<>(SELECTORS);

  /** Whether sockets that are read without blocking are enrolled. */
  private final EnrolledReaders readers = new EnrolledReaders(System.nanoTime());

  private final SharedBackoff backoff = new SharedBackoff(System.nanoTime());

  private Spins(
      Sockopts sockopts,
      RunQueue runQueue,
      WaitCounts counts,
      MethodHandle poll,
      MethodHandle epollWait) {
    this.sockopts = sockopts;
    this.runQueue = runQueue;
    this.counts = counts;
    this.poll = poll;
    this.epollWait = epollWait;
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
    MethodHandles.Lookup epoll = JavaBase.lookup("sun.nio.ch.EPoll");
    MethodType wait = MethodType.methodType(int.class, int.class, long.class, int.class, int.class);
    return new Spins(
        sockopts, runQueue, counts, poll, epoll.findStatic(epoll.lookupClass(), "wait", wait));
  }

  /** A read that blocks is about to begin; under the socket's read lock. */
  void beforeRead(FileDescriptor fd, Spin spin) throws Throwable {
    // A virtual thread that waits gives its processor to another one: it must not hold it.
    if (Threads.isVirtual()) {
      spin.rest(Spin.MAX_REST); // a socket hardly has readers of both kinds
      return;
    }
    long begin = System.nanoTime();
    if (!isTime(spin, begin)) {
      return;
    }
    if (isEnrolled(fd, spin, begin)) {
      attempt(() -> (int) poll.invokeExact(fd, POLLIN, 0L) != 0, spin, begin);
    } else {
      spin.rest(Spin.PLAIN_REST);
    }
  }

  /** Whether a selector waits for the next read that does not block to call {@link #beforeLook}. */
  boolean isAsked() {
    return readers.isAsked();
  }

  /** A read that does not block is about to begin; under the socket's read lock. */
  void beforeLook(FileDescriptor fd, Spin spin) throws Throwable {
    long now = System.nanoTime();
    readers.answer(isEnrolled(fd, spin, now), now);
  }

  /**
   * A selector is about to wait, under its lock. What a look finds stays to be found by the wait,
   * which then returns at once.
   *
   * @param events where the kernel puts what has happened: room for one
   */
  void beforeSelect(int epoll, long events) throws Throwable {
    Spin spin = epoll < SELECTORS ? selectors.getPlain(epoll) : null;
    if (spin == null) {
      if (epoll < SELECTORS) {
        selectors.set(epoll, new Spin(System.nanoTime()));
      }
      return;
    }
    if (!spin.isDue()) {
      return;
    }
    long begin = System.nanoTime();
    if (!readers.isEnrolled(begin)) {
      spin.rest(BUSY_REST);
    } else if (isTime(spin, begin)) {
      attempt(() -> (int) epollWait.invokeExact(epoll, events, 1, 0) != 0, spin, begin);
    }
  }

  /** Whether there is something to read, at this moment. */
  private interface Look {
    boolean isReady() throws Throwable;
  }

  private boolean isTime(Spin spin, long now) {
    if (spin.isTooEarly(now)) {
      return false;
    }
    if (spin.isNew() && backoff.isTooEarly(now)) {
      spin.rest(Spin.MAX_REST);
      return false;
    }
    return true;
  }

  private boolean isEnrolled(FileDescriptor fd, Spin spin, long now) throws Throwable {
    if (!spin.isEnrolled(now)) {
      if (!sockopts.isEnrolled(fd)) {
        return false;
      }
      spin.enrolledUntil(now + ENROLLED_NANOS);
    }
    return true;
  }

  private void attempt(Look look, Spin spin, long begin) throws Throwable {
    if (!runQueue.hasSpareProcessor(begin)) {
      spin.rest(BUSY_REST);
      return;
    }
    try {
      if (look.isReady()) {
        spin.ready();
      } else {
        spin(look, spin);
      }
    } catch (IOException e) {
      // The read, or the wait, meets the same, and tells it.
      spin.lost(begin);
    }
  }

  private void spin(Look look, Spin spin) throws Throwable {
    long budget = spin.budgetNanos();
    long begin = System.nanoTime();
    long now = begin;
    boolean ready = false;
    while (!ready && now - begin < budget) {
      ready = look.isReady();
      now = System.nanoTime();
    }
    // Bytes that came while another thread had the processor would have come to a sleeper too.
    if (ready && now - begin < budget + PREEMPTED_NANOS) {
      counts.won();
      spin.won();
      backoff.won();
    } else {
      counts.lost();
      spin.lost(now);
      if (spin.isNew()) {
        backoff.lost(now);
      }
    }
  }
}
