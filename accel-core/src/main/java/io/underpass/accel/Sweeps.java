/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.accel;

import io.underpass.ffm.BpfMap;
import io.underpass.ffm.BpfObject;
import io.underpass.ffm.GracePeriod;
import io.underpass.ffm.NativeException;
import io.underpass.ffm.RingBuffer;
import io.underpass.kernel.Namespaces;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;

/**
 * What a sweep is to visit, and what follows it: the sockets that programs have named, those of
 * registrations that are over, and, now and then, all. Thread-safe: one sweep at a time.
 */
public final class Sweeps implements AutoCloseable {
  /** Between two looks at what is not named by anybody: hooks, and processes that come back. */
  private static final long LOOK_NANOS = 1_000_000_000;

  /** Fewer sockets that have become known are no reason to look for closed ones. */
  private static final int LEAST_TO_FORGET = 4096;

  /** Held during a sweep; whoever needs both takes it before {@link #lock}. */
  private final ReentrantLock sweeping = new ReentrantLock();

  /** Of {@code KernelDatapath}: guards the next two. */
  private final ReentrantLock lock;

  private final Registrations registrations;
  private final OptionHooks hooks;
  private final ControlBlock control;
  private final Known known;
  private final Names names = new Names();
  private final RingBuffer events;
  private final BpfMap ids;
  private final GracePeriod gracePeriod;

  /** Guarded by {@link #sweeping}, as are those below. */
  private final Sweep sweep;

  /** See {@link #passAll}. */
  private boolean passing;

  /** The last sweep did not come to its end. */
  private boolean hasFailed;

  /** Sockets that had an id when those that are closed were last looked for. */
  private int livedThen;

  /** The last id that had been given then. */
  private long givenThen;

  /** When closed sockets were last looked for since a user had no share left. */
  private long crowdedAt = System.nanoTime() - LOOK_NANOS;

  /** Network namespaces in which sockets could not be looked up, as of the last sweep. */
  private volatile int unreachable;

  public Sweeps(
      BpfObject object,
      ControlBlock control,
      Halves halves,
      Known known,
      Namespaces namespaces,
      ReentrantLock lock,
      Registrations registrations,
      OptionHooks hooks)
      throws NativeException {
    this.control = control;
    this.known = known;
    this.lock = lock;
    this.registrations = registrations;
    this.hooks = hooks;
    this.ids = object.map("ids");
    this.gracePeriod = new GracePeriod(object);
    this.sweep = Sweep.of(object, halves, known, namespaces, gracePeriod);
    this.events = new RingBuffer(object.map("events"), names::add);
  }

  /** What programs wake the sweep thread by, which closes it. */
  public RingBuffer events() {
    return events;
  }

  public int unreachable() {
    return unreachable;
  }

  /** The sweep of a start: all that an earlier helper left. */
  public void first() throws NativeException {
    sweeping.lock();
    try {
      sweep.runAnew();
    } finally {
      sweeping.unlock();
    }
  }

  /** Visits what was named, and what is due, or all. */
  public Sweep.Result run(boolean whole) throws IOException {
    sweeping.lock();
    try {
      if (passing) {
        return new Sweep.Result(System.nanoTime() + LOOK_NANOS);
      }
      List<Registrations.Ended> ended;
      lock.lock();
      try {
        registrations.endOrphans();
        ended = registrations.takeEnded();
      } finally {
        lock.unlock();
      }
      // What a sweep that fails was to visit, the next one finds among all.
      boolean anew = control.takeLost() || hasFailed;
      hasFailed = true;
      Sweep.Result result;
      try {
        events.consume();
        Ids named = names.take();
        boolean all = whole || anew || isTimeToForget() || isCrowded();
        for (Registrations.Ended one : ended) {
          if (!all) {
            named.addAll(known.of(one.id()));
          }
        }
        result = anew ? sweep.runAnew() : all ? sweep.runAll(named) : sweep.run(named);
        if (all) {
          livedThen = known.size();
          givenThen = lastId();
        }
        hasFailed = false;
      } finally {
        if (hasFailed) {
          takeBack(ended);
        }
      }
      unreachable = sweep.unreachable();
      return tidy(ended) ? result.noLaterThan(System.nanoTime() + LOOK_NANOS) : result;
    } finally {
      sweeping.unlock();
    }
  }

  private void takeBack(List<Registrations.Ended> ended) {
    lock.lock();
    try {
      registrations.takeBack(ended);
    } finally {
      lock.unlock();
    }
  }

  /** Whether there is more of it to do later. */
  private boolean tidy(List<Registrations.Ended> ended) throws IOException {
    lock.lock();
    try {
      registrations.release(ended);
      boolean adopting = registrations.awaitsOrphans();
      if (!adopting) {
        hooks.endAdoption();
      }
      return hooks.removeUnused() || adopting;
    } finally {
      lock.unlock();
    }
  }

  /**
   * A settled socket that is closed is named by nobody. What is kept of such ones is found when as
   * many have become known as lived the last time: so each pays for one visit more, and a host at
   * rest for none.
   */
  private boolean isTimeToForget() throws NativeException {
    return lastId() - givenThen > Math.max(LEAST_TO_FORGET, livedThen);
  }

  /** Somebody can make it so again at once, by further sockets: so it is asked for now and then. */
  private boolean isCrowded() {
    long now = System.nanoTime();
    if (now - crowdedAt < LOOK_NANOS || !control.takeCrowded()) {
      return false;
    }
    crowdedAt = now;
    return true;
  }

  private long lastId() throws NativeException {
    ByteBuffer value = ids.newValue();
    ids.lookup(ids.newKey(), value);
    return value.getLong(0);
  }

  /** Has every verdict pass, or redirect again, and visits all. */
  public void pause(boolean paused) throws NativeException {
    sweeping.lock();
    try {
      control.pause(paused);
      sweep.runAll();
    } finally {
      sweeping.unlock();
    }
  }

  /**
   * For tests: makes every verdict pass, with each socket where it is, or lets them redirect again.
   * A sweep would take the sockets off, or end it: none is made meanwhile.
   */
  public void passAll(boolean all) throws NativeException {
    sweeping.lock();
    try {
      passing = all;
      control.pause(all);
      gracePeriod.await(); // until no verdict runs that has seen it otherwise
    } finally {
      sweeping.unlock();
    }
  }

  @Override
  public void close() {
    sweep.close();
  }
}
