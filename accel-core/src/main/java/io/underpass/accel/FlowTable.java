package io.underpass.accel;

import io.underpass.Reason;
import io.underpass.ffm.Layouts;
import io.underpass.ffm.Layouts.Counters;
import io.underpass.ffm.Layouts.Flow;
import io.underpass.ffm.Layouts.Sock;
import io.underpass.ffm.Layouts.Tuple;
import io.underpass.ffm.NativeException;
import io.underpass.protocol.Drained;
import io.underpass.protocol.FlowView;
import io.underpass.service.Datapath;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;

/**
 * Makes the flow table of what {@link FlowDump} reads: joins the two ends, sorts, bounds.
 *
 * <p>There may be a hundred thousand flows and the helper is small, so no more of them are kept
 * than are asked for, whatever their owners have: those with most bytes so far.
 */
public final class FlowTable {
  /** A flow that is among those with most bytes, so far. */
  private record Candidate(long bytes, FlowView view) {}

  private FlowTable() {}

  /** All flows of a registration, or of {@link Datapath#ALL}; the busiest {@code limit}. */
  public static Datapath.Flows of(FlowDump dump, int owner, int limit) throws NativeException {
    PriorityQueue<Candidate> top = new PriorityQueue<>(Comparator.comparingLong(Candidate::bytes));
    long[] total = {0};
    dump.run(
        owner,
        (rows, peers) -> {
          Map<Long, Integer> places = places(peers);
          for (int at = 0; at < rows.limit(); at += Flow.SIZE) {
            if (owner == Datapath.ALL || rows.getInt(at + Sock.OWNER_ID) == owner) {
              total[0]++;
              // An id is never used again, so a peer that has gone is simply not found.
              Integer peer = places.get(rows.getLong(at + Sock.PEER_ID));
              FlowView.Counters received =
                  peer == null ? FlowView.Counters.ZERO : counters(peers, peer);
              long bytes = ownBytes(rows, at) + received.redirectedBytes();
              if (top.size() < limit || bytes > top.element().bytes) {
                top.add(new Candidate(bytes, view(rows, at, received)));
              }
              if (top.size() > limit) {
                top.remove();
              }
            }
          }
        });
    return new Datapath.Flows(
        total[0],
        top.stream()
            .sorted(Comparator.comparingLong(Candidate::bytes).reversed())
            .map(Candidate::view)
            .toList());
  }

  private static Map<Long, Integer> places(ByteBuffer rows) {
    Map<Long, Integer> places = new HashMap<>();
    for (int at = 0; at < rows.limit(); at += Flow.SIZE) {
      places.put(rows.getLong(at + Sock.ID), at);
    }
    return places;
  }

  private static long ownBytes(ByteBuffer rows, int at) {
    return rows.getLong(at + Sock.TX_COUNTERS + Counters.REDIRECTED_BYTES)
        + rows.getLong(at + Flow.TCP_BYTES_SENT)
        + rows.getLong(at + Flow.TCP_BYTES_RECEIVED);
  }

  /** How many flows each registration has. */
  public static Map<Integer, Long> countByOwner(FlowDump dump) throws NativeException {
    Map<Integer, Long> counts = new HashMap<>();
    dump.run(
        rows -> {
          for (int at = 0; at < rows.limit(); at += Flow.SIZE) {
            counts.merge(rows.getInt(at + Sock.OWNER_ID), 1L, Long::sum);
          }
        });
    return counts;
  }

  /** The sockets that are enrolled, for a stop that has to leave them; at most {@code limit}. */
  public static List<Drained.Held> held(FlowDump dump, int limit) throws NativeException {
    List<Drained.Held> held = new ArrayList<>();
    dump.run(
        rows -> {
          for (int at = 0; at < rows.limit() && held.size() < limit; at += Flow.SIZE) {
            if (Halves.isEnrolled(rows.getInt(at + Sock.STATE))) {
              held.add(
                  new Drained.Held(
                      rows.getInt(at + Sock.OWNER_TGID),
                      local(rows, at),
                      remote(rows, at),
                      Integer.toUnsignedLong(rows.getInt(at + Flow.QUEUED))));
            }
          }
        });
    return held;
  }

  private static String local(ByteBuffer rows, int at) {
    return endpoint(rows, at + Flow.TUPLE + Tuple.LOCAL_ADDR, at + Flow.TUPLE + Tuple.LOCAL_PORT);
  }

  private static String remote(ByteBuffer rows, int at) {
    return endpoint(rows, at + Flow.TUPLE + Tuple.REMOTE_ADDR, at + Flow.TUPLE + Tuple.REMOTE_PORT);
  }

  private static FlowView view(ByteBuffer dump, int at, FlowView.Counters received) {
    boolean pinned = dump.get(at + Sock.PINNED) != 0;
    boolean ready = dump.getInt(at + Sock.STATE) == Layouts.UP_READY;
    Reason reason = pinned ? Reason.PINNED : Reason.ofNumber(dump.get(at + Sock.REASON));
    return new FlowView(
        dump.getLong(at + Sock.ID),
        local(dump, at),
        remote(dump, at),
        dump.getInt(at + Sock.OWNER_TGID),
        ready && !pinned,
        reason == Reason.NONE && !ready ? Reason.UNDECIDED : reason,
        dump.getLong(at + Flow.AGE_NS) / 1_000_000,
        counters(dump, at),
        received,
        dump.getLong(at + Flow.TCP_BYTES_SENT),
        dump.getLong(at + Flow.TCP_BYTES_RECEIVED),
        dump.getLong(at + Sock.TX_COUNTERS + Counters.SWITCHES));
  }

  private static FlowView.Counters counters(ByteBuffer dump, int at) {
    int base = at + Sock.TX_COUNTERS;
    return new FlowView.Counters(
        dump.getLong(base + Counters.REDIRECTED_BYTES),
        dump.getLong(base + Counters.REDIRECTED_MESSAGES),
        dump.getLong(base + Counters.PASSED_BYTES),
        dump.getLong(base + Counters.PASSED_MESSAGES));
  }

  private static String endpoint(ByteBuffer dump, int address, int port) {
    byte[] bytes = new byte[16];
    dump.get(address, bytes);
    try {
      InetAddress ip = InetAddress.getByAddress(bytes); // v4-mapped becomes IPv4
      String text =
          ip instanceof Inet6Address ? "[" + ip.getHostAddress() + "]" : ip.getHostAddress();
      return text + ":" + (dump.getShort(port) & 0xffff);
    } catch (UnknownHostException e) {
      throw new AssertionError("16 bytes are an address", e);
    }
  }
}
