/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.accel;

import java.util.Arrays;

/** A list of sockets' ids; there may be a hundred thousand. */
final class Ids {
  private long[] values = new long[64];
  private int size;

  void add(long id) {
    if (size == values.length) {
      values = Arrays.copyOf(values, 2 * size);
    }
    values[size++] = id;
  }

  void addAll(Ids others) {
    for (int i = 0; i < others.size; i++) {
      add(others.values[i]);
    }
  }

  /** A list of its own, of at most {@code count} of them. */
  Ids slice(int from, int count) {
    Ids some = new Ids();
    for (int i = from; i < Math.min(size, from + count); i++) {
      some.add(values[i]);
    }
    return some;
  }

  long get(int at) {
    return values[at];
  }

  int size() {
    return size;
  }

  boolean isEmpty() {
    return size == 0;
  }

  void clear() {
    size = 0;
  }
}
