/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.accel;

/**
 * A number for each of some sockets, by their ids: a hash table with linear probing of two plain
 * arrays, since there may be two hundred thousand and the helper is small. Not thread-safe.
 */
final class IdTable {
  /** No socket has this id. */
  private static final long FREE = 0;

  private static final int LEAST = 64;

  /** A prime near 2^64 divided by the golden ratio spreads ids that are given in a row. */
  private static final long SPREAD = 0x9E3779B97F4A7C15L;

  private long[] ids = new long[LEAST];
  private long[] numbers = new long[LEAST];
  private int size;

  /** Gets each socket, and its number. */
  @FunctionalInterface
  interface Each {
    void accept(long id, long number);
  }

  /** The number is the socket's, whatever it had before. */
  void put(long id, long number) {
    if (2 * size >= ids.length) {
      resize(2 * ids.length);
    }
    int at = find(id);
    if (ids[at] == FREE) {
      ids[at] = id;
      size++;
    }
    numbers[at] = number;
  }

  void remove(long id) {
    int at = find(id);
    if (ids[at] == FREE) {
      return;
    }
    removeAt(at);
    if (16 * size < ids.length && ids.length > LEAST) {
      resize(ids.length / 4);
    }
  }

  /** The table is not to be changed meanwhile. */
  void forEach(Each each) {
    for (int i = 0; i < ids.length; i++) {
      if (ids[i] != FREE) {
        each.accept(ids[i], numbers[i]);
      }
    }
  }

  int size() {
    return size;
  }

  void clear() {
    ids = new long[LEAST];
    numbers = new long[LEAST];
    size = 0;
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

  /** A hash of which the lowest bits are as good as any. */
  static int spread(long id) {
    return (int) ((id * SPREAD) >>> 32);
  }

  private int home(long id) {
    return spread(id) & (ids.length - 1);
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
        numbers[hole] = numbers[at];
        ids[at] = FREE;
        hole = at;
      }
    }
  }

  private void resize(int length) {
    long[] oldIds = ids;
    long[] oldNumbers = numbers;
    ids = new long[length];
    numbers = new long[length];
    for (int i = 0; i < oldIds.length; i++) {
      if (oldIds[i] != FREE) {
        int at = find(oldIds[i]);
        ids[at] = oldIds[i];
        numbers[at] = oldNumbers[i];
      }
    }
  }
}
