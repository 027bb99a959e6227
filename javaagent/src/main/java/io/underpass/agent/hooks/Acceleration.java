/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.agent.hooks;

import io.underpass.agent.jdk.Exit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * How far this JVM is accelerated, and what its hooks work with. The session with the helper
 * changes it; {@link Hooks} reads it, at every call.
 *
 * <p>What changes is one immutable {@link State} in one field. It goes one way: nothing, then the
 * repairs, then all. A helper that goes away changes nothing here, since what it loaded stays.
 */
public final class Acceleration {
  /**
   * What the agent's options allow.
   *
   * @param spin whether reads may spin before they block
   * @param pace whether large writes may wait for the reader
   * @param joinNow whether connections are made known to the kernel's part as soon as they are made
   */
  public record Options(boolean spin, boolean pace, boolean joinNow) {}

  /**
   * What the hooks work with.
   *
   * @param repairs null until the first registration is asked for
   * @param tends null until the first registration; so are those that follow
   */
  record State(Repairs repairs, Tends tends, Joins joins, Waits waits) {
    static final State NONE = new State(null, null, null, null);
  }

  private final Options options;
  private final SocketTable table = new SocketTable();
  private final SocketCounts counts = new SocketCounts();
  private final WaitCounts spins = new WaitCounts();
  private final WaitCounts paces = new WaitCounts();

  /**
   * How many threads register, or have the helper look: it may know connections that are not
   * joined.
   */
  private final AtomicInteger attempts = new AtomicInteger();

  /** Null until the first attempt; guarded by this. */
  private Sockopts sockopts;

  /** Written under this object's lock. */
  private volatile State state = State.NONE;

  /** In a JVM that is not accelerated yet. */
  public Acceleration(Options options) {
    this.options = options;
  }

  /** The sockets of this JVM that are open. */
  public SocketTable table() {
    return table;
  }

  /** What happened to sockets so far. */
  public SocketCounts counts() {
    return counts;
  }

  /** How reads spun. */
  public WaitCounts spins() {
    return spins;
  }

  /** How large writes waited for the reader. */
  public WaitCounts paces() {
    return paces;
  }

  State state() {
    return state;
  }

  /**
   * The helper looks at this process from now on, until the attempt is closed: it may accelerate
   * connections before its answer is here. So the repairs begin with the first attempt.
   *
   * @throws ReflectiveOperationException where this JDK lacks what a repair needs: then there must
   *     be no registration
   */
  public Attempt attempt() throws ReflectiveOperationException {
    repair();
    return new Attempt(this);
  }

  private synchronized void repair() throws ReflectiveOperationException {
    if (state.repairs() == null) {
      sockopts = Sockopts.open();
      Repairs repairs = Repairs.open(sockopts, table, attempts);
      Exit.atLast(new AtExit(repairs));
      state = new State(repairs, null, null, null);
    }
  }

  private record AtExit(Repairs repairs) implements Runnable {
    @Override
    public void run() {
      repairs.atExit();
    }
  }

  private synchronized void activate(Runnable claim) {
    State before = state;
    if (before.joins() == null) {
      Tends tends = new Tends(table, sockopts);
      Joins joins = Joins.start(table, counts, sockopts, tends, options.joinNow(), claim);
      Waits waits = Waits.open(options, this, sockopts, tends, joins);
      state = new State(before.repairs(), tends, joins, waits);
    }
  }

  /** There is no helper, or not any more. */
  public void withoutHelper() {
    Tends tends = state.tends();
    if (tends != null) {
      tends.giveBackRoom();
    }
  }

  /** A look of the helper at this process: a registration, or a claim. To be closed after it. */
  public static final class Attempt implements AutoCloseable {
    private final Acceleration of;

    private Attempt(Acceleration of) {
      this.of = of;
      of.attempts.incrementAndGet();
    }

    /**
     * The helper has registered this JVM: the socket options are answered from now on.
     *
     * @param claim has the helper look at this process again, as an attempt of its own
     */
    public void registered(Runnable claim) {
      of.activate(claim);
      of.state.joins().registered();
    }

    /** The helper has looked at the process again, after a registration. */
    public void claimed() {
      of.state.joins().registered();
    }

    @Override
    public void close() {
      of.attempts.decrementAndGet();
    }
  }
}
