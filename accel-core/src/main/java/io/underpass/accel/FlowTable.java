/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.accel;

import io.underpass.Reason;
import io.underpass.ffm.FlowLayouts;
import io.underpass.ffm.FlowLayouts.Counters;
import io.underpass.ffm.FlowLayouts.Flow;
import io.underpass.ffm.FlowLayouts.Sock;
import io.underpass.ffm.FlowLayouts.Tuple;
import io.underpass.ffm.NativeException;
import io.underpass.protocol.Drained;
import io.underpass.protocol.FlowView;
import io.underpass.service.Datapath;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Makes the flow table of what {@link FlowDump} reads: joins the two ends, sorts, bounds.
 *
 * <p>There may be a hundred thousand flows and the helper is small, so no more of them become text
 * than are asked for, whatever their owners have: those with most bytes so far.
 */
public final class FlowTable {
  private FlowTable() {}

  /**
   * All flows of a registration, or of {@link Datapath#ALL}; the busiest {@code limit}. Each socket
   * is read once to be ranked; those that are shown are read again, with their other ends.
   */
  public static Datapath.Flows of(FlowDump dump, int owner, int limit) throws NativeException {
    Ids ids = dump.known(owner);
    FlowRanking ranking = new FlowRanking(ids.size());
    dump.run(
        ids,
        (rows, at) -> {
          if (belongs(rows, at, owner)) {
            ranking.addFlow(rows, at);
          }
        });
    dump.run(ranking.missingPeers(), ranking::addPeer);
    Ids busiest = ranking.busiest(limit);
    Map<Long, FlowView.Counters> peers = new HashMap<>();
    dump.run(
        ranking.peersOf(busiest),
        (rows, at) -> peers.put(rows.getLong(at + Sock.ID), counters(rows, at)));
    // Not in their order: those of other network namespaces come last.
    Map<Long, FlowView> views = new HashMap<>();
    dump.run(
        busiest,
        (rows, at) -> {
          long peer = rows.getLong(at + Sock.PEER_ID);
          if (belongs(rows, at, owner)) {
            views.put(
                rows.getLong(at + Sock.ID),
                view(rows, at, peers.getOrDefault(peer, FlowView.Counters.ZERO)));
          }
        });
    List<FlowView> first = new ArrayList<>(views.size());
    for (int i = 0; i < busiest.size(); i++) {
      FlowView view = views.get(busiest.get(i));
      if (view != null) {
        first.add(view);
      } // else it has ended meanwhile
    }
    return new Datapath.Flows(ranking.flows(), first);
  }

  private static boolean belongs(ByteBuffer rows, int at, int owner) {
    return owner == Datapath.ALL || rows.getInt(at + Sock.OWNER_ID) == owner;
  }

  /** How many flows each registration has. */
  public static Map<Integer, Long> countByOwner(FlowDump dump) throws NativeException {
    Map<Integer, Long> counts = new HashMap<>();
    dump.run(
        Datapath.ALL, (rows, at) -> counts.merge(rows.getInt(at + Sock.OWNER_ID), 1L, Long::sum));
    return counts;
  }

  /** The sockets that are enrolled, for a stop that has to leave them; at most {@code limit}. */
  public static List<Drained.Held> held(FlowDump dump, int limit) throws NativeException {
    List<Drained.Held> held = new ArrayList<>();
    dump.run(
        Datapath.ALL,
        (rows, at) -> {
          if (held.size() < limit && Halves.isEnrolled(rows.getInt(at + Sock.STATE))) {
            held.add(
                new Drained.Held(
                    rows.getInt(at + Sock.OWNER_TGID),
                    local(rows, at),
                    remote(rows, at),
                    Integer.toUnsignedLong(rows.getInt(at + Flow.QUEUED))));
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
    boolean ready = dump.getInt(at + Sock.STATE) == FlowLayouts.UP_READY;
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
