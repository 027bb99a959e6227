package io.underpass.datapath;

import io.underpass.Reason;
import io.underpass.ffm.Layouts;
import io.underpass.ffm.Layouts.Counters;
import io.underpass.ffm.Layouts.Flow;
import io.underpass.ffm.Layouts.Sock;
import io.underpass.helper.Datapath;
import io.underpass.protocol.FlowView;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Makes the flow table of what {@code up_dump} wrote: joins the two ends, sorts, bounds. */
final class FlowTable {
  private static final Comparator<FlowView> MOST_BYTES_FIRST =
      Comparator.comparingLong(FlowTable::bytes).reversed();

  private FlowTable() {}

  /** All flows of a registration, or of {@link Datapath#ALL}; the busiest {@code limit}. */
  static Datapath.Flows of(ByteBuffer dump, int owner, int limit) {
    Map<Long, Integer> byCookie = new HashMap<>();
    int rows = dump.remaining() / Flow.SIZE;
    for (int i = 0; i < rows; i++) {
      byCookie.put(dump.getLong(i * Flow.SIZE + Sock.COOKIE), i * Flow.SIZE);
    }
    List<FlowView> flows = new ArrayList<>();
    for (int i = 0; i < rows; i++) {
      int at = i * Flow.SIZE;
      if (owner == Datapath.ALL || dump.getInt(at + Sock.OWNER_ID) == owner) {
        // A cookie is never used again, so a peer that has gone is simply not found.
        Integer peer = byCookie.get(dump.getLong(at + Sock.PEER_COOKIE));
        flows.add(view(dump, at, peer == null ? FlowView.Counters.ZERO : counters(dump, peer)));
      }
    }
    flows.sort(MOST_BYTES_FIRST);
    return new Datapath.Flows(
        flows.size(), List.copyOf(flows.subList(0, Math.min(limit, flows.size()))));
  }

  /** How many flows each registration has. */
  static Map<Integer, Long> countByOwner(ByteBuffer dump) {
    Map<Integer, Long> counts = new HashMap<>();
    for (int at = 0; at + Flow.SIZE <= dump.limit(); at += Flow.SIZE) {
      counts.merge(dump.getInt(at + Sock.OWNER_ID), 1L, Long::sum);
    }
    return counts;
  }

  private static FlowView view(ByteBuffer dump, int at, FlowView.Counters received) {
    boolean pinned = dump.get(at + Sock.PINNED) != 0;
    boolean ready = dump.getInt(at + Sock.STATE) == Layouts.UP_READY;
    Reason reason = pinned ? Reason.PINNED : Reason.ofNumber(dump.get(at + Sock.REASON));
    return new FlowView(
        dump.getLong(at + Sock.COOKIE),
        endpoint(dump, at + Flow.LOCAL_ADDR, at + Flow.LOCAL_PORT),
        endpoint(dump, at + Flow.REMOTE_ADDR, at + Flow.REMOTE_PORT),
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

  private static long bytes(FlowView flow) {
    return flow.tx().redirectedBytes()
        + flow.rx().redirectedBytes()
        + flow.tcpBytesSent()
        + flow.tcpBytesReceived();
  }
}
