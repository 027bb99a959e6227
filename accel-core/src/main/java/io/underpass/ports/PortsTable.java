/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.ports;

import io.underpass.ffm.BpfMap;
import io.underpass.ffm.NativeException;
import io.underpass.ffm.PortLayouts;
import io.underpass.ffm.PortLayouts.Bound;
import io.underpass.ffm.PortLayouts.Vport;
import io.underpass.policy.Net;
import io.underpass.protocol.PortView;
import io.underpass.service.Datapath.PortQuery;
import io.underpass.service.Datapath.Ports;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.PriorityQueue;

/**
 * Reads the list of bound ports, the map {@code bound}. What is not asked for is left out while it
 * is read: nothing here grows with what tenants have.
 */
final class PortsTable {
  /** IPPROTO_TCP and IPPROTO_UDP. */
  private static final int TCP = 6;

  private static final int UDP = 17;

  private static final Comparator<PortView> ORDER =
      Comparator.comparing(PortView::group)
          .thenComparingInt(PortView::virtual)
          .thenComparing(PortView::protocol)
          .thenComparing(Comparator.comparingLong(PortView::ageMillis).reversed());

  private final BpfMap bound;

  PortsTable(BpfMap bound) {
    this.bound = bound;
  }

  Ports list(PortQuery query) throws NativeException {
    // The last of those that are kept is the first to go.
    PriorityQueue<PortView> first = new PriorityQueue<>(ORDER.reversed());
    int[] total = {0};
    long now = System.nanoTime(); // CLOCK_MONOTONIC, on Linux
    bound.forEachBatch(
        (_, rows) -> {
          for (int at = 0; at < rows.limit(); at += Bound.SIZE) {
            if (!isAsked(rows, at, query)) {
              continue;
            }
            total[0]++;
            first.add(view(rows, at, now));
            if (first.size() > query.limit()) {
              first.remove();
            }
          }
        });
    List<PortView> sorted = new ArrayList<>(first);
    sorted.sort(ORDER);
    return new Ports(total[0], sorted);
  }

  /** How many there are. */
  int count() throws NativeException {
    int[] total = {0};
    bound.forEachBatch((_, rows) -> total[0] += rows.limit() / Bound.SIZE);
    return total[0];
  }

  /** Whether there is a datagram socket that only its group may send to. */
  boolean isAnyConfined() throws NativeException {
    boolean[] any = {false};
    bound.forEachBatch(
        (_, rows) -> {
          for (int at = 0; at < rows.limit(); at += Bound.SIZE) {
            any[0] |=
                rows.get(at + Bound.KEY + Vport.PROTOCOL) == UDP
                    && (rows.get(at + Bound.FLAGS) & PortLayouts.UP_B_PRIVATE) != 0;
          }
        });
    return any[0];
  }

  private static boolean isAsked(ByteBuffer rows, int at, PortQuery query) {
    return (query.port() < 0 || query.port() == port(rows, at))
        && (query.group() == null || isOf(rows, at, query.group()))
        && (query.everybodys()
            || query.uid() == rows.getInt(at + Bound.UID)
            || isOf(rows, at, query.own()));
  }

  private static boolean isOf(ByteBuffer rows, int at, String group) {
    return !group.isEmpty() && GroupMembers.name(rows, at + Bound.KEY + Vport.GROUP).equals(group);
  }

  private static int port(ByteBuffer rows, int at) {
    return rows.getShort(at + Bound.KEY + Vport.PORT) & 0xffff;
  }

  private static PortView view(ByteBuffer rows, int at, long now) {
    byte[] address = new byte[16];
    rows.get(at + Bound.ADDR, address);
    String text = Identities.text(Net.address(address));
    int flags = rows.get(at + Bound.FLAGS);
    return new PortView(
        GroupMembers.name(rows, at + Bound.KEY + Vport.GROUP),
        port(rows, at),
        rows.getShort(at + Bound.REAL) & 0xffff,
        rows.get(at + Bound.KEY + Vport.PROTOCOL) == TCP ? "tcp" : "udp",
        text.isEmpty() ? "*" : text,
        rows.getInt(at + Bound.TGID),
        Math.max(0, now - rows.getLong(at + Bound.SINCE_NS)) / 1_000_000, // bound meanwhile: 0
        (flags & PortLayouts.UP_B_PUBLISHED) != 0,
        (flags & PortLayouts.UP_B_PRIVATE) != 0);
  }
}
