package io.underpass.accel;

import io.underpass.ffm.BpfObject;
import io.underpass.ffm.Layouts;
import io.underpass.ffm.Layouts.Flow;
import io.underpass.ffm.Layouts.Sock;
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
  private final ByteBuffer found = room();
  private final ByteBuffer others = room();

  /** Of the programs of a loaded object. */
  public static FlowDump of(BpfObject object, Known known, Namespaces namespaces)
      throws NativeException {
    Lookups rows =
        new Lookups(
            object.program("up_dump"),
            object.map("rows"),
            SHAPE,
            Layouts.UP_VISIT_ELSEWHERE,
            namespaces);
    return new FlowDump(rows, known);
  }

  private FlowDump(Lookups lookups, Known known) {
    this.lookups = lookups;
    this.known = known;
  }

  private static ByteBuffer room() {
    return ByteBuffer.allocateDirect(ROOM * Flow.SIZE).order(ByteOrder.nativeOrder());
  }

  /** Gets rows, and those of their other ends as far as they are known. */
  @FunctionalInterface
  interface Pieces {
    /**
     * Both hold {@code struct up_flow}s, whole ones, in native order, from 0 to the limit, and are
     * good only during the call.
     */
    void accept(ByteBuffer rows, ByteBuffer peers);
  }

  /** Reads all, in bounded memory, piece by piece as {@link Pieces#accept} has it. */
  public synchronized void run(Consumer<ByteBuffer> rows) throws NativeException {
    Ids ids = known.all();
    for (int from = 0; from < ids.size(); from += ROOM) {
      rows.accept(read(ids.slice(from, ROOM), found));
    }
  }

  /** Reads those of a registration, or of {@link Datapath#ALL}, each with its other end. */
  public synchronized void run(int owner, Pieces pieces) throws NativeException {
    Ids ids = owner == Datapath.ALL ? known.all() : known.of(owner);
    for (int from = 0; from < ids.size(); from += ROOM) {
      ByteBuffer rows = read(ids.slice(from, ROOM), found);
      Ids peers = new Ids();
      for (int at = 0; at < rows.limit(); at += Flow.SIZE) {
        long peer = rows.getLong(at + Sock.PEER_ID);
        if (peer != 0) {
          peers.add(peer);
        }
      }
      pieces.accept(rows, read(peers, others));
    }
  }

  private ByteBuffer read(Ids ids, ByteBuffer into) throws NativeException {
    into.clear();
    lookups.run(
        ids,
        Layouts.UP_MODE_STEP,
        (entries, at) -> {
          if (entries.getInt(at + Flow.OUTCOME) == Layouts.UP_VISIT_DONE) {
            into.put(into.position(), entries, at, Flow.SIZE);
            into.position(into.position() + Flow.SIZE);
          }
        });
    return into.flip();
  }

  @Override
  public void close() {
    lookups.close();
  }
}
