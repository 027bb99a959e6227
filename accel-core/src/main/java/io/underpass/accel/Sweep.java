/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.accel;

import io.underpass.ffm.BpfObject;
import io.underpass.ffm.FlowLayouts;
import io.underpass.ffm.FlowLayouts.Visit;
import io.underpass.ffm.GracePeriod;
import io.underpass.ffm.NativeException;
import io.underpass.kernel.Namespaces;
import java.nio.ByteBuffer;
import java.util.HashSet;
import java.util.Set;

/**
 * One sweep: visits the sockets that were named, those that are due, and, as long as something
 * moves on, those that have moved and their other ends. It costs what is undecided, not what there
 * is.
 *
 * <p>Guarded by the caller: one sweep at a time (see {@code KernelDatapath}).
 */
public final class Sweep implements AutoCloseable {
  private static final Lookups.Shape SHAPE =
      new Lookups.Shape(Visit.SIZE, Visit.ID, Visit.OUTCOME, Visit.NETNS_INUM, Visit.BOUND_DEV_IF);

  /**
   * From "just seen" to "settled" a pair takes five passes; with an end that has to leave first,
   * twice as many. What moves on even then is visited at once by the next sweep.
   */
  private static final int PASSES = 16;

  /** What cannot be reached is looked for again after so long. */
  private static final long UNREACHABLE_NANOS = 1_000_000_000;

  private final Lookups visits;
  private final Halves halves;
  private final Known known;
  private final GracePeriod gracePeriod;
  private final Agenda agenda = new Agenda();

  /** Of the sweep that runs; as those below. */
  private Ids next = new Ids();

  private final Set<Long> nextSeen = new HashSet<>();
  private Ids leaving = new Ids();

  Sweep(Lookups visits, Halves halves, Known known, GracePeriod gracePeriod) {
    this.visits = visits;
    this.halves = halves;
    this.known = known;
    this.gracePeriod = gracePeriod;
  }

  /** Of the programs of a loaded object. */
  public static Sweep of(
      BpfObject object, Halves halves, Known known, Namespaces namespaces, GracePeriod gracePeriod)
      throws NativeException {
    Lookups visits =
        new Lookups(
            object.program("up_visit"),
            object.map("visits"),
            SHAPE,
            FlowLayouts.UP_VISIT_ELSEWHERE,
            namespaces);
    return new Sweep(visits, halves, known, gracePeriod);
  }

  /**
   * What a sweep found.
   *
   * @param next when there is something to do again, of {@link System#nanoTime}; {@link
   *     Agenda#NEVER} if nothing is undecided
   */
  public record Result(long next) {
    Result noLaterThan(long time) {
      return next <= time ? this : new Result(time);
    }
  }

  /** Visits what was named, and what is due. */
  Result run(Ids named) throws NativeException {
    Ids first = new Ids();
    first.addAll(named);
    agenda.takeDue(System.nanoTime(), first);
    return visit(first);
  }

  /** Visits all that are known. */
  Result runAll() throws NativeException {
    return runAll(null);
  }

  /**
   * Visits all that are known, and what was named.
   *
   * @param named null if nothing is to be said of that
   */
  Result runAll(Ids named) throws NativeException {
    Ids all = known.all();
    if (named != null) {
      all.addAll(named);
    }
    return visit(all);
  }

  /** Visits all that the map has: names were lost, or another helper left them. */
  public Result runAnew() throws NativeException {
    Ids all = halves.all();
    known.reset(all);
    return visit(all);
  }

  private Result visit(Ids first) throws NativeException {
    next = first;
    for (int pass = 0; pass < PASSES && !(next.isEmpty() && leaving.isEmpty()); pass++) {
      if (next.isEmpty()) {
        takeOff();
      } else {
        pass(FlowLayouts.UP_MODE_STEP);
      }
    }
    long now = System.nanoTime();
    for (int i = 0; i < next.size(); i++) {
      agenda.put(next.get(i), now);
    }
    next = new Ids();
    nextSeen.clear();
    leaving.clear();
    return new Result(agenda.next());
  }

  private void pass(int mode) throws NativeException {
    Ids now = next;
    next = new Ids();
    nextSeen.clear();
    long time = System.nanoTime();
    visits.run(now, mode, (entries, at) -> seen(entries, at, time));
  }

  /**
   * A verdict that still saw a socket's other end redirect has by then either passed, or holds the
   * socket, which take_off sees.
   */
  private void takeOff() throws NativeException {
    gracePeriod.await();
    Ids those = leaving;
    leaving = new Ids();
    next = those;
    pass(FlowLayouts.UP_MODE_TAKE_OFF);
  }

  private void seen(ByteBuffer entries, int at, long now) {
    long id = entries.getLong(at + Visit.ID);
    long peer = entries.getLong(at + Visit.PEER_ID);
    int outcome = entries.get(at + Visit.OUTCOME);
    boolean hasMoved = entries.get(at + Visit.MOVED) != 0;
    if (outcome == FlowLayouts.UP_VISIT_GONE) {
      known.remove(id);
    } else {
      known.add(id, entries.getInt(at + Visit.OWNER_ID));
    }
    if (outcome == FlowLayouts.UP_VISIT_ELSEWHERE) {
      agenda.put(id, now + UNREACHABLE_NANOS);
      return;
    }
    long again = entries.getLong(at + Visit.AGAIN_NS);
    if (again == 0) {
      agenda.remove(id);
    } else {
      agenda.put(id, now + again);
    }
    if (outcome == FlowLayouts.UP_VISIT_LEAVES) {
      leaving.add(id);
    }
    // The other end first: this one may want to know how far it is (judge).
    if (peer != 0 && (hasMoved || entries.get(at + Visit.NUDGE) != 0)) {
      visitNext(peer);
    }
    if (hasMoved) {
      if (outcome != FlowLayouts.UP_VISIT_GONE) {
        visitNext(id);
      }
    }
  }

  private void visitNext(long id) {
    if (nextSeen.add(id)) {
      next.add(id);
    }
  }

  /** How many network namespaces with something to look up could not be entered. */
  int unreachable() {
    return visits.unreachable();
  }

  @Override
  public void close() {
    visits.close();
  }
}
