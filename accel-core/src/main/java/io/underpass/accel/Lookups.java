/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.accel;

import io.underpass.ffm.BpfMap;
import io.underpass.ffm.BpfProgram;
import io.underpass.ffm.MappedArray;
import io.underpass.ffm.NativeException;
import io.underpass.ffm.ProgramRun;
import io.underpass.kernel.Namespaces;
import java.nio.ByteBuffer;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;

/**
 * Runs a program that looks sockets up by their ids, a few hundred a run, in the helper's network
 * namespace first, and then where those are that it could not find there: {@code up_visit} on the
 * map {@code visits}, {@code up_dump} on {@code rows}.
 *
 * <p>Guarded by the caller: one thread at a time.
 */
final class Lookups implements AutoCloseable {
  /**
   * Where an entry of the program's array has what; offsets in bytes.
   *
   * @param outcome of one byte, or the lowest of an int
   */
  record Shape(int size, int id, int outcome, int netns, int device) {}

  /** Gets an entry that was looked up; good during the call. */
  @FunctionalInterface
  interface Seen {
    /**
     * One entry was looked up.
     *
     * @param entries all of the run
     * @param at where this one begins
     */
    void accept(ByteBuffer entries, int at);
  }

  /** Where to look: a namespace, and the device that the sockets are bound to there, or 0. */
  private record Where(int netns, int device) {}

  private final ProgramRun program;
  private final MappedArray array;
  private final Shape shape;
  private final int room;
  private final int elsewhere;
  private final Namespaces namespaces;

  /** Namespaces in which something was to be looked up that could not be entered. */
  private final Set<Integer> unreachable = new HashSet<>();

  /**
   * @param elsewhere the outcome of an entry that is to be looked up in another place
   */
  Lookups(BpfProgram program, BpfMap array, Shape shape, int elsewhere, Namespaces namespaces)
      throws NativeException {
    this.program = program.runs();
    this.array = new MappedArray(array);
    this.shape = shape;
    this.room = array.maxEntries();
    this.elsewhere = elsewhere;
    this.namespaces = namespaces;
  }

  /**
   * Looks all up. Entries of a place that cannot be entered keep the outcome that says so.
   *
   * @param mode what the program is to do
   */
  void run(Ids ids, int mode, Seen seen) throws NativeException {
    Map<Where, Ids> others = new HashMap<>();
    Where home = new Where(namespaces.home(), 0);
    run(
        ids,
        home,
        mode,
        (entries, at) -> {
          if ((entries.get(at + shape.outcome) & 0xff) == elsewhere) {
            Where there =
                new Where(entries.getInt(at + shape.netns), entries.getInt(at + shape.device));
            others.computeIfAbsent(there, _ -> new Ids()).add(entries.getLong(at + shape.id));
          } else {
            seen.accept(entries, at);
          }
        });
    for (Map.Entry<Where, Ids> entry : others.entrySet()) {
      Where there = entry.getKey();
      Ids its = entry.getValue();
      if (runThere(there, its, mode, seen)) {
        unreachable.remove(there.netns);
      } else {
        unreachable.add(there.netns);
        tellUnreachable(there, its, seen);
      }
    }
  }

  /** False where the namespace cannot be entered, or the device has gone. */
  private boolean runThere(Where there, Ids its, int mode, Seen seen) throws NativeException {
    if (there.device == 0) {
      return namespaces.run(there.netns, () -> run(its, there, mode, seen));
    }
    try {
      return namespaces.run(there.netns, () -> run(its, there, mode, seen));
    } catch (NativeException e) {
      return false; // of a device that has gone; its sockets end by themselves
    }
  }

  private void run(Ids ids, Where there, int mode, Seen seen) throws NativeException {
    ByteBuffer entries = array.bytes();
    for (int from = 0; from < ids.size(); from += room) {
      int count = Math.min(room, ids.size() - from);
      for (int i = 0; i < count; i++) {
        entries.putLong(i * shape.size + shape.id, ids.get(from + i));
      }
      program.run(there.device, count, there.netns, there.device, mode);
      for (int i = 0; i < count; i++) {
        seen.accept(entries, i * shape.size);
      }
    }
  }

  private void tellUnreachable(Where there, Ids its, Seen seen) {
    ByteBuffer entry = ByteBuffer.allocate(shape.size).order(array.bytes().order());
    entry.put(shape.outcome, (byte) elsewhere).putInt(shape.netns, there.netns);
    for (int i = 0; i < its.size(); i++) {
      seen.accept(entry.putLong(shape.id, its.get(i)), 0);
    }
  }

  /** How many namespaces could not be entered when something was last looked up there. */
  int unreachable() {
    return unreachable.size();
  }

  @Override
  public void close() {
    program.close();
    array.close();
  }
}
