package io.underpass.datapath;

import io.underpass.ffm.BpfMap;
import io.underpass.ffm.NativeException;
import io.underpass.ffm.PortLayouts;
import io.underpass.ffm.PortLayouts.Bound;
import io.underpass.ffm.PortLayouts.Vport;
import io.underpass.helper.Datapath;
import io.underpass.helper.Net;
import io.underpass.protocol.PortView;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/** Makes the list of bound ports of the map {@code bound}. */
final class PortsTable {
  /** IPPROTO_TCP. */
  private static final int TCP = 6;

  private PortsTable() {}

  /** All, by group, port and age. */
  static List<Datapath.BoundPort> of(BpfMap bound) throws NativeException {
    List<Datapath.BoundPort> ports = new ArrayList<>();
    long now = System.nanoTime(); // CLOCK_MONOTONIC, on Linux
    bound.forEachBatch(
        (_, rows) -> {
          for (int at = 0; at < rows.limit(); at += Bound.SIZE) {
            ports.add(new Datapath.BoundPort(view(rows, at, now), rows.getInt(at + Bound.UID)));
          }
        });
    ports.sort(
        Comparator.comparing((Datapath.BoundPort p) -> p.view().group())
            .thenComparingInt(p -> p.view().virtual())
            .thenComparing(p -> p.view().protocol())
            .thenComparingLong(p -> -p.view().ageMillis()));
    return ports;
  }

  private static PortView view(ByteBuffer rows, int at, long now) {
    byte[] address = new byte[16];
    rows.get(at + Bound.ADDR, address);
    String text = Identities.text(Net.address(address));
    int flags = rows.get(at + Bound.FLAGS);
    return new PortView(
        GroupMembers.name(rows, at + Bound.KEY + Vport.GROUP),
        rows.getShort(at + Bound.KEY + Vport.PORT) & 0xffff,
        rows.getShort(at + Bound.REAL) & 0xffff,
        rows.get(at + Bound.KEY + Vport.PROTOCOL) == TCP ? "tcp" : "udp",
        text.isEmpty() ? "*" : text,
        rows.getInt(at + Bound.TGID),
        Math.max(0, now - rows.getLong(at + Bound.SINCE_NS)) / 1_000_000, // bound meanwhile: 0
        (flags & PortLayouts.UP_B_PUBLISHED) != 0,
        (flags & PortLayouts.UP_B_PRIVATE) != 0);
  }
}
