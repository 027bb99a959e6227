package io.underpass.datapath;

import io.underpass.ffm.BpfObject;
import io.underpass.ffm.Layouts;
import io.underpass.ffm.Layouts.Flow;
import io.underpass.ffm.Layouts.Sock;
import io.underpass.ffm.NativeException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.function.Consumer;

/**
 * Reads the records of all connections that are known, as {@code up_dump} finds them. It takes no
 * socket's lock, and none of the sweep's: one dump at a time, guarded by this.
 */
final class FlowDump implements AutoCloseable {
  /** How {@code up_dump} uses the map {@code rows}. */
  private static final Lookups.Shape SHAPE =
      new Lookups.Shape(Flow.SIZE, Sock.ID, Flow.OUTCOME, Flow.NETNS_INUM, Flow.BOUND_DEV_IF);

  /** Rows that are handed over together. */
  private static final int ROOM = 256;

  private final Lookups rows;
  private final Known known;
  private final ByteBuffer found =
      ByteBuffer.allocateDirect(ROOM * Flow.SIZE).order(ByteOrder.nativeOrder());

  /** Of the programs of a loaded object. */
  static FlowDump of(BpfObject object, Known known, Namespaces namespaces) throws NativeException {
    Lookups rows =
        new Lookups(
            object.program("up_dump"),
            object.map("rows"),
            SHAPE,
            Layouts.UP_VISIT_ELSEWHERE,
            namespaces);
    return new FlowDump(rows, known);
  }

  private FlowDump(Lookups rows, Known known) {
    this.rows = rows;
    this.known = known;
  }

  /**
   * Reads all, in bounded memory.
   *
   * @param records gets {@code struct up_flow}s, in native order, piece by piece; a piece holds
   *     whole ones, from 0 to its limit, and is good only during the call
   */
  synchronized void run(Consumer<ByteBuffer> records) throws NativeException {
    found.clear();
    rows.run(
        known.all(),
        Layouts.UP_MODE_STEP,
        (entries, at) -> {
          if (entries.getInt(at + Flow.OUTCOME) == Layouts.UP_VISIT_DONE) {
            found.put(found.position(), entries, at, Flow.SIZE);
            found.position(found.position() + Flow.SIZE);
            if (!found.hasRemaining()) {
              records.accept(found.flip());
              found.clear();
            }
          }
        });
    if (found.position() > 0) {
      records.accept(found.flip());
    }
  }

  @Override
  public void close() {
    rows.close();
  }
}
