package io.underpass.datapath;

import io.underpass.Reason;
import io.underpass.ffm.Layouts;
import io.underpass.ffm.Layouts.Counters;
import io.underpass.ffm.Layouts.Flow;
import io.underpass.ffm.Layouts.Sock;
import io.underpass.ffm.Layouts.Tuple;
import io.underpass.ffm.NativeException;
import io.underpass.helper.Datapath;
import io.underpass.protocol.Drained;
import io.underpass.protocol.FlowView;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;

/**
 * Makes the flow table of what {@link FlowDump} reads: joins the two ends, sorts, bounds.
 *
 * <p>There may be a hundred thousand flows and the helper is small, so it goes over them twice:
 * once for a few numbers of each, by which the busiest are chosen, and once for all there is to say
 * of those.
 */
final class FlowTable {
  /** Of the first pass. A flow that changes between the passes is shown as the second sees it. */
  private record Brief(long id, long peer, long ownBytes, long redirected) {}

  private FlowTable() {}

  /** All flows of a registration, or of {@link Datapath#ALL}; the busiest {@code limit}. */
  static Datapath.Flows of(FlowDump dump, int owner, int limit) throws NativeException {
    Map<Long, Long> redirected = new HashMap<>();
    List<Brief> briefs = new ArrayList<>();
    dump.run(
        rows -> {
          for (int at = 0; at < rows.limit(); at += Flow.SIZE) {
            Brief brief = brief(rows, at);
            if (brief.redirected != 0) {
              redirected.put(brief.id, brief.redirected);
            }
            if (owner == Datapath.ALL || rows.getInt(at + Sock.OWNER_ID) == owner) {
              briefs.add(brief);
            }
          }
        });
    List<Brief> top = busiest(briefs, redirected, limit);
    return new Datapath.Flows(briefs.size(), views(dump, top));
  }

  /** How many flows each registration has. */
  static Map<Integer, Long> countByOwner(FlowDump dump) throws NativeException {
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
  static List<Drained.Held> held(FlowDump dump, int limit) throws NativeException {
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

  private static List<Brief> busiest(List<Brief> all, Map<Long, Long> redirected, int limit) {
    Comparator<Brief> byBytes =
        Comparator.comparingLong(b -> b.ownBytes + redirected.getOrDefault(b.peer, 0L));
    PriorityQueue<Brief> top = new PriorityQueue<>(byBytes);
    for (Brief brief : all) {
      top.add(brief);
      if (top.size() > limit) {
        top.remove();
      }
    }
    return top.stream().sorted(byBytes.reversed()).toList();
  }

  private static List<FlowView> views(FlowDump dump, List<Brief> top) throws NativeException {
    Map<Long, FlowView.Counters> counters = new HashMap<>();
    Map<Long, ByteBuffer> wanted = new HashMap<>();
    for (Brief brief : top) {
      wanted.put(brief.id, null);
      counters.put(brief.peer, FlowView.Counters.ZERO);
    }
    dump.run(
        rows -> {
          for (int at = 0; at < rows.limit(); at += Flow.SIZE) {
            long id = rows.getLong(at + Sock.ID);
            if (wanted.containsKey(id)) {
              byte[] row = new byte[Flow.SIZE];
              rows.get(at, row);
              wanted.put(id, ByteBuffer.wrap(row).order(ByteOrder.nativeOrder()));
            }
            if (counters.containsKey(id)) {
              counters.put(id, counters(rows, at));
            }
          }
        });
    List<FlowView> views = new ArrayList<>();
    for (Brief brief : top) {
      ByteBuffer row = wanted.get(brief.id);
      if (row != null) { // else it was closed between the passes
        // An id is never used again, so a peer that has gone is simply not found.
        views.add(view(row, counters.get(row.getLong(Sock.PEER_ID))));
      }
    }
    return views;
  }

  private static Brief brief(ByteBuffer rows, int at) {
    long redirected = rows.getLong(at + Sock.TX_COUNTERS + Counters.REDIRECTED_BYTES);
    long own =
        redirected
            + rows.getLong(at + Flow.TCP_BYTES_SENT)
            + rows.getLong(at + Flow.TCP_BYTES_RECEIVED);
    return new Brief(rows.getLong(at + Sock.ID), rows.getLong(at + Sock.PEER_ID), own, redirected);
  }

  private static FlowView view(ByteBuffer dump, FlowView.Counters peer) {
    int at = Flow.RECORD;
    FlowView.Counters received = peer == null ? FlowView.Counters.ZERO : peer;
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
