/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.accel;

import io.underpass.ffm.FlowLayouts.Counters;
import io.underpass.ffm.FlowLayouts.Flow;
import io.underpass.ffm.FlowLayouts.Sock;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Comparator;
import java.util.PriorityQueue;

/**
 * Ranks flows by their bytes in both directions. What a socket received by redirects stands in the
 * record of its other end, so each end is added once, and looked up by its id.
 *
 * <p>There may be two hundred thousand sockets, and the helper is small: some 40 bytes for each, in
 * plain arrays. Not thread-safe.
 */
final class FlowRanking {
  /** A socket that is among the busiest, so far. */
  private record Candidate(long bytes, int at) {}

  private long[] ids;
  private long[] peers;

  /** Bytes that the socket's own record and TCP know of; -1 if it is only another one's end. */
  private long[] own;

  /** Bytes that the socket sent by redirects, which are its peer's to have received. */
  private long[] redirected;

  private int size;
  private int flows;

  /** Hash table with linear probing: 1 + a place in the arrays, or 0. A power of two. */
  private int[] slots;

  /**
   * An empty one.
   *
   * @param expected how many sockets there may be; more are allowed
   */
  FlowRanking(int expected) {
    int room = Math.max(64, expected);
    ids = new long[room];
    peers = new long[room];
    own = new long[room];
    redirected = new long[room];
    slots = new int[Integer.highestOneBit(2 * room - 1) * 2];
  }

  /** A flow that is to be ranked; {@code at} is its {@code struct up_flow}. */
  void addFlow(ByteBuffer rows, int at) {
    long bytes =
        redirectedOf(rows, at)
            + rows.getLong(at + Flow.TCP_BYTES_SENT)
            + rows.getLong(at + Flow.TCP_BYTES_RECEIVED);
    add(rows, at, bytes);
    flows++;
  }

  /** The other end of one, which is not ranked itself. */
  void addPeer(ByteBuffer rows, int at) {
    add(rows, at, -1);
  }

  private void add(ByteBuffer rows, int at, long bytes) {
    if (size == ids.length) {
      grow();
    }
    ids[size] = rows.getLong(at + Sock.ID);
    peers[size] = rows.getLong(at + Sock.PEER_ID);
    own[size] = bytes;
    redirected[size] = redirectedOf(rows, at);
    size++;
    enter(size - 1);
  }

  private static long redirectedOf(ByteBuffer rows, int at) {
    return rows.getLong(at + Sock.TX_COUNTERS + Counters.REDIRECTED_BYTES);
  }

  /** How many flows are ranked. */
  int flows() {
    return flows;
  }

  /** Other ends that have not been added. */
  Ids missingPeers() {
    Ids missing = new Ids();
    for (int i = 0; i < size; i++) {
      if (peers[i] != 0 && placeOf(peers[i]) < 0) {
        missing.add(peers[i]);
      }
    }
    return missing;
  }

  /** The ids of the flows with most bytes; at most {@code limit}, the busiest first. */
  Ids busiest(int limit) {
    PriorityQueue<Candidate> top = new PriorityQueue<>(Comparator.comparingLong(Candidate::bytes));
    for (int i = 0; i < size; i++) {
      if (own[i] >= 0) {
        long bytes = bytesAt(i);
        if (top.size() < limit) {
          top.add(new Candidate(bytes, i));
        } else if (limit > 0 && bytes > top.element().bytes) {
          top.remove();
          top.add(new Candidate(bytes, i));
        }
      }
    }
    long[] order = new long[top.size()];
    for (int i = order.length - 1; i >= 0; i--) {
      order[i] = ids[top.remove().at];
    }
    Ids busiest = new Ids();
    for (long id : order) {
      busiest.add(id);
    }
    return busiest;
  }

  /** The other ends of these, as far as they are known. */
  Ids peersOf(Ids some) {
    Ids those = new Ids();
    for (int i = 0; i < some.size(); i++) {
      int at = placeOf(some.get(i));
      if (at >= 0 && peers[at] != 0) {
        those.add(peers[at]);
      }
    }
    return those;
  }

  private long bytesAt(int at) {
    int peer = peers[at] == 0 ? -1 : placeOf(peers[at]);
    // An id is never used again, so a peer that has gone is simply not found.
    return own[at] + (peer < 0 ? 0 : redirected[peer]);
  }

  private int placeOf(long id) {
    for (int i = IdTable.spread(id) & (slots.length - 1); slots[i] != 0; i = next(i)) {
      if (ids[slots[i] - 1] == id) {
        return slots[i] - 1;
      }
    }
    return -1;
  }

  private void enter(int at) {
    int i = IdTable.spread(ids[at]) & (slots.length - 1);
    while (slots[i] != 0) {
      i = next(i);
    }
    slots[i] = at + 1;
  }

  private int next(int slot) {
    return (slot + 1) & (slots.length - 1);
  }

  private void grow() {
    ids = Arrays.copyOf(ids, 2 * size);
    peers = Arrays.copyOf(peers, 2 * size);
    own = Arrays.copyOf(own, 2 * size);
    redirected = Arrays.copyOf(redirected, 2 * size);
    slots = new int[2 * slots.length];
    for (int i = 0; i < size; i++) {
      enter(i);
    }
  }
}
