/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.datapath;

import io.underpass.ffm.FlowLayouts.Counters;
import io.underpass.ffm.FlowLayouts.Flow;
import io.underpass.ffm.FlowLayouts.Sock;
import io.underpass.ffm.FlowLayouts.Tuple;
import io.underpass.ffm.NativeException;
import java.util.ArrayList;
import java.util.List;

/**
 * One end of a connection as the kernel has it, with what the flow table does not show.
 *
 * @param redirecting which way its last message went
 * @param switches of that way
 * @param redirected bytes that it sent so
 * @param queued bytes that were redirected to it and that it has not read
 * @param pinned it has sent urgent data, and is to be taken off
 * @param hasRoom its receive buffer was given room for redirects since it was enrolled
 */
public record EndState(
    long id,
    int owner,
    int localPort,
    int remotePort,
    boolean redirecting,
    long switches,
    long redirected,
    long queued,
    boolean pinned,
    boolean hasRoom) {
  /** {@code UP_TX_TCP} of {@code underpass.h}. */
  private static final byte TX_TCP = 0;

  /** All that have a record. */
  public static List<EndState> all(KernelDatapath datapath) throws NativeException {
    List<EndState> all = new ArrayList<>();
    datapath.dump(
        (rows, at) ->
            all.add(
                new EndState(
                    rows.getLong(at + Sock.ID),
                    rows.getInt(at + Sock.OWNER_TGID),
                    rows.getShort(at + Flow.TUPLE + Tuple.LOCAL_PORT) & 0xffff,
                    rows.getShort(at + Flow.TUPLE + Tuple.REMOTE_PORT) & 0xffff,
                    rows.get(at + Sock.TX) != TX_TCP,
                    rows.getLong(at + Sock.TX_COUNTERS + Counters.SWITCHES),
                    rows.getLong(at + Sock.TX_COUNTERS + Counters.REDIRECTED_BYTES),
                    Integer.toUnsignedLong(rows.getInt(at + Flow.QUEUED)),
                    rows.get(at + Sock.PINNED) != 0,
                    rows.getInt(at + Sock.ROOM_ENROLMENT) == rows.getInt(at + Sock.ENROLMENTS))));
    return all;
  }
}
