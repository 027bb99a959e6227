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

/**
 * Reads the records of connections that are known, as {@code up_dump} finds them. It takes no
 * socket's lock, and none of the sweep's: one dump at a time, guarded by this.
 */
public final class FlowDump implements AutoCloseable {
  /** How {@code up_dump} uses the map {@code rows}. */
  private static final Lookups.Shape SHAPE =
      new Lookups.Shape(Flow.SIZE, Sock.ID, Flow.OUTCOME, Flow.NETNS_INUM, Flow.BOUND_DEV_IF);

  private final Lookups lookups;
  private final Known known;

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

  /** Gets a row; good during the call. */
  @FunctionalInterface
  public interface Row {
    /**
     * One connection.
     *
     * @param rows in native order
     * @param at where its {@code struct up_flow} begins
     */
    void accept(ByteBuffer rows, int at);
  }

  /**
   * Reads the connections that are known, one at a time.
   *
   * @param owner a registration, or {@link Datapath#ALL}; some rows may have become another's
   */
  public void run(int owner, Row row) throws NativeException {
    run(known(owner), row);
  }

  /** Reads these sockets, as far as they are connections. */
  synchronized void run(Ids ids, Row row) throws NativeException {
    lookups.run(
        ids,
        FlowLayouts.UP_MODE_STEP,
        (entries, at) -> {
          if (entries.getInt(at + Flow.OUTCOME) == FlowLayouts.UP_VISIT_DONE) {
            row.accept(entries, at);
          }
        });
  }

  /** The sockets of a registration, or of {@link Datapath#ALL}, that may be connections. */
  Ids known(int owner) {
    return owner == Datapath.ALL ? known.all() : known.of(owner);
  }

  @Override
  public void close() {
    lookups.close();
  }
}
