/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.accel;

import io.underpass.ffm.BpfObject;
import io.underpass.ffm.FlowLayouts;
import io.underpass.ffm.FlowLayouts.Flow;
import io.underpass.ffm.FlowLayouts.Sock;
import io.underpass.ffm.NativeException;
import io.underpass.kernel.Namespaces;
import io.underpass.service.Datapath;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.function.Consumer;

/**
 * Reads the records of connections that are known, as {@code up_dump} finds them. It takes no
 * socket's lock, and none of the sweep's: one dump at a time, guarded by this.
 */
public final class FlowDump implements AutoCloseable {
  /** How {@code up_dump} uses the map {@code rows}. */
  private static final Lookups.Shape SHAPE =
      new Lookups.Shape(Flow.SIZE, Sock.ID, Flow.OUTCOME, Flow.NETNS_INUM, Flow.BOUND_DEV_IF);

  /** Rows that are handed over together; each piece enters each network namespace anew. */
  private static final int ROOM = 1024;

  private final Lookups lookups;
  private final Known known;
  private final ByteBuffer found =
      ByteBuffer.allocateDirect(ROOM * Flow.SIZE).order(ByteOrder.nativeOrder());

  /** Of the programs of a loaded object. */
  public static FlowDump of(BpfObject object, Known known, Namespaces namespaces)
      throws NativeException {
    Lookups rows =
        new Lookups(
            object.program("up_dump"),
            object.map("rows"),
            SHAPE,
            FlowLayouts.UP_VISIT_ELSEWHERE,
            namespaces);
    return new FlowDump(rows, known);
  }

  private FlowDump(Lookups lookups, Known known) {
    this.lookups = lookups;
    this.known = known;
  }

  /**
   * Reads the connections that are known, in bounded memory, piece by piece.
   *
   * @param owner a registration, or {@link Datapath#ALL}; some rows may have become another's
   * @param rows gets whole {@code struct up_flow}s, in native order, from 0 to the limit, that are
   *     good only during the call
   */
  public synchronized void run(int owner, Consumer<ByteBuffer> rows) throws NativeException {
    run(known(owner), rows);
  }

  /** Reads these sockets, as far as they are connections; likewise. */
  synchronized void run(Ids ids, Consumer<ByteBuffer> rows) throws NativeException {
    for (int from = 0; from < ids.size(); from += ROOM) {
      rows.accept(read(ids.slice(from, ROOM)));
    }
  }

  /** The sockets of a registration, or of {@link Datapath#ALL}, that may be connections. */
  Ids known(int owner) {
    return owner == Datapath.ALL ? known.all() : known.of(owner);
  }

  private ByteBuffer read(Ids ids) throws NativeException {
    found.clear();
    lookups.run(
        ids,
        FlowLayouts.UP_MODE_STEP,
        (entries, at) -> {
          if (entries.getInt(at + Flow.OUTCOME) == FlowLayouts.UP_VISIT_DONE) {
            found.put(found.position(), entries, at, Flow.SIZE);
            found.position(found.position() + Flow.SIZE);
          }
        });
    return found.flip();
  }

  @Override
  public void close() {
    lookups.close();
  }
}
