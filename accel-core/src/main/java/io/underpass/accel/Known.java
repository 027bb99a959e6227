/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.accel;

/**
 * The sockets that have been visited and not seen to have gone, each with the registration that it
 * belongs to: the helper's copy of the keys of {@code halves}. To read the map itself is to visit
 * each of its 262,144 buckets, some milliseconds, however few sockets there are.
 *
 * <p>Thread-safe; everything is guarded by this. Sweeps write, dumps read.
 */
public final class Known {
  private final IdTable owners = new IdTable();

  synchronized void add(long id, int owner) {
    owners.put(id, owner);
  }

  synchronized void remove(long id) {
    owners.remove(id);
  }

  synchronized int size() {
    return owners.size();
  }

  synchronized Ids all() {
    Ids ids = new Ids();
    owners.forEach((id, _) -> ids.add(id));
    return ids;
  }

  /** Those that belonged to a registration when they were last visited. */
  synchronized Ids of(int owner) {
    Ids ids = new Ids();
    owners.forEach(
        (id, its) -> {
          if (its == owner) {
            ids.add(id);
          }
        });
    return ids;
  }

  /** What was known is forgotten; {@code ids} may be known, their owners are not yet. */
  synchronized void reset(Ids ids) {
    owners.clear();
    for (int i = 0; i < ids.size(); i++) {
      owners.put(ids.get(i), 0);
    }
  }
}
