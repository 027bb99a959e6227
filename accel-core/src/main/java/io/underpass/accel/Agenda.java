/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.accel;

/**
 * When which socket wants to be visited again: those for which something is undecided, and no
 * others.
 *
 * <p>Guarded by the caller: one sweep at a time.
 */
final class Agenda {
  /** {@link #next} of an empty agenda. */
  static final long NEVER = Long.MAX_VALUE;

  private final IdTable dues = new IdTable();

  /** No later than the first of them. */
  private long next = NEVER;

  /** Wants to be visited at this time, of {@link System#nanoTime}, whatever it wanted before. */
  void put(long id, long due) {
    dues.put(id, due);
    next = Math.min(next, due);
  }

  /** Does not want to be visited any more. */
  void remove(long id) {
    dues.remove(id);
  }

  /** Moves what is due at this time, or before, into the list. */
  void takeDue(long now, Ids to) {
    if (next > now) {
      return;
    }
    int before = to.size();
    next = NEVER;
    dues.forEach(
        (id, due) -> {
          if (due <= now) {
            to.add(id);
          } else {
            next = Math.min(next, due);
          }
        });
    for (int i = before; i < to.size(); i++) {
      dues.remove(to.get(i));
    }
  }

  /** When the first of them is due, or earlier; {@link #NEVER} if there is none. */
  long next() {
    return dues.size() == 0 ? NEVER : next;
  }

  int size() {
    return dues.size();
  }
}
