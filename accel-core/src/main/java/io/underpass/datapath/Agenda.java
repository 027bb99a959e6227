package io.underpass.datapath;

/**
 * When which socket wants to be visited again: those for which something is undecided, and no
 * others. A hash table with linear probing of two plain arrays, since there may be a hundred
 * thousand and the helper is small.
 *
 * <p>Guarded by the caller: one sweep at a time.
 */
final class Agenda {
  /** {@link #next} of an empty agenda. */
  static final long NEVER = Long.MAX_VALUE;

  /** No socket has this id. */
  private static final long FREE = 0;

  private static final int LEAST = 64;

  /** A prime near 2^64 divided by the golden ratio spreads ids that are given in a row. */
  private static final long SPREAD = 0x9E3779B97F4A7C15L;

  private long[] ids = new long[LEAST];
  private long[] dues = new long[LEAST];
  private int size;

  /** No later than the first of them. */
  private long next = NEVER;

  /** Wants to be visited at this time, of {@link System#nanoTime}, whatever it wanted before. */
  void put(long id, long due) {
    if (2 * size >= ids.length) {
      resize(2 * ids.length);
    }
    int at = find(id);
    if (ids[at] == FREE) {
      ids[at] = id;
      size++;
    }
    dues[at] = due;
    next = Math.min(next, due);
  }

  /** Does not want to be visited any more. */
  void remove(long id) {
    int at = find(id);
    if (ids[at] != FREE) {
      removeAt(at);
    }
  }

  /** Moves what is due at this time, or before, into the list. */
  void takeDue(long now, Ids to) {
    if (next > now) {
      return;
    }
    int before = to.size();
    next = NEVER;
    for (int i = 0; i < ids.length; i++) {
      if (ids[i] != FREE && dues[i] <= now) {
        to.add(ids[i]);
      } else if (ids[i] != FREE) {
        next = Math.min(next, dues[i]);
      }
    }
    for (int i = before; i < to.size(); i++) {
      removeAt(find(to.get(i)));
    }
    if (8 * size < ids.length && ids.length > LEAST) {
      resize(Math.max(LEAST, ids.length / 4));
    }
  }

  /** When the first of them is due, or earlier; {@link #NEVER} if there is none. */
  long next() {
    return size == 0 ? NEVER : next;
  }

  int size() {
    return size;
  }

  /** Where the id is, or would be. */
  private int find(long id) {
    int mask = ids.length - 1;
    int at = home(id);
    while (ids[at] != FREE && ids[at] != id) {
      at = (at + 1) & mask;
    }
    return at;
  }

  private int home(long id) {
    return (int) ((id * SPREAD) >>> 32) & (ids.length - 1);
  }

  /** What stands behind it, and was to stand before, moves up. */
  private void removeAt(int hole) {
    int mask = ids.length - 1;
    size--;
    ids[hole] = FREE;
    for (int at = (hole + 1) & mask; ids[at] != FREE; at = (at + 1) & mask) {
      int home = home(ids[at]);
      boolean stays = hole <= at ? home > hole && home <= at : home > hole || home <= at;
      if (!stays) {
        ids[hole] = ids[at];
        dues[hole] = dues[at];
        ids[at] = FREE;
        hole = at;
      }
    }
  }

  private void resize(int length) {
    long[] oldIds = ids;
    long[] oldDues = dues;
    ids = new long[length];
    dues = new long[length];
    for (int i = 0; i < oldIds.length; i++) {
      if (oldIds[i] != FREE) {
        int at = find(oldIds[i]);
        ids[at] = oldIds[i];
        dues[at] = oldDues[i];
      }
    }
  }
}
