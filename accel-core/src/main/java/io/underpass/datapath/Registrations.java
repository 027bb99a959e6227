package io.underpass.datapath;

import io.underpass.ffm.BpfIterator;
import io.underpass.ffm.BpfMap;
import io.underpass.ffm.BpfObject;
import io.underpass.ffm.BpfProgram;
import io.underpass.ffm.Layouts;
import io.underpass.ffm.Layouts.Jvm;
import io.underpass.ffm.NativeException;
import io.underpass.helper.PeerProcess;
import io.underpass.helper.Registration;
import io.underpass.protocol.ErrorCode;
import io.underpass.protocol.WireException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Which processes are registered, as the kernel knows it: the map {@code jvms}. Guarded by the lock
 * of {@link KernelDatapath}.
 */
final class Registrations {
  /** USER_HZ: the unit of {@code /proc/<pid>/stat} is 1/100 s on every Linux architecture. */
  private static final long NANOS_PER_TICK = 10_000_000;

  /** How long a process that an earlier helper had registered may take to register again. */
  private static final long ORPHAN_NANOS = 60_000_000_000L;

  /** Leaves the ids of one helper room to grow before they turn negative. */
  private static final int ID_MASK = 0x3fff_ffff;

  private final BpfMap jvms;
  private final BpfProgram cgroups;
  private final BpfProgram claim;
  private final ControlBlock control;
  private final OptionHooks hooks;
  private final int firstId;
  private final BitSet slots = new BitSet();
  private final Map<Integer, Entry> byId = new HashMap<>();

  /**
   * Processes that an earlier helper had registered, with their ids, and have not come back yet.
   */
  private final Map<Integer, Integer> orphans = new HashMap<>();

  private final long orphansUntil = System.nanoTime() + ORPHAN_NANOS;

  private record Entry(int pid, int slot) {}

  Registrations(BpfObject object, ControlBlock control, OptionHooks hooks) throws NativeException {
    this.jvms = object.map("jvms");
    this.cgroups = object.program("up_cgroups");
    this.claim = object.program("up_claim");
    this.control = control;
    this.hooks = hooks;
    slots.set(0); // belongs to no registration
    this.firstId = forgetDead();
  }

  /** Above what an earlier helper gave; counts from the clock, so that none comes twice. */
  int firstId() {
    return firstId;
  }

  /**
   * Has the kernel mark the process and its sockets. What it marks is the process that has this pid
   * now; the start time it noted tells whether that is the one that asked.
   *
   * @return the slot of its totals
   */
  int admit(Registration registration) throws IOException {
    int slot = slots.nextClearBit(1);
    if (slot > Layouts.UP_MAX_JVMS) {
      throw new WireException(
          ErrorCode.FULL, "there are " + Layouts.UP_MAX_JVMS + " registrations already");
    }
    int pid = registration.pid();
    ByteBuffer value = jvms.newValue();
    if (orphans.remove(pid) != null && jvms.lookup(key(pid), value)) {
      slots.clear(value.getInt(Jvm.SLOT));
    }
    jvms.delete(key(pid)); // of a helper before this one, or of a process that had the pid before
    slots.set(slot);
    byId.put(registration.id(), new Entry(pid, slot));
    try {
      claim(registration.id());
      checkMarked(registration);
      return slot;
    } catch (IOException e) {
      dismiss(registration.id());
      throw e;
    }
  }

  /**
   * Looks at a process's open files: hooks the cgroups of its sockets, and has the sockets marked.
   * What it makes meanwhile its agent asks for, when it has the answer.
   */
  void claim(int id) throws IOException {
    Entry entry = byId.get(id);
    control.claim(entry.pid, id, entry.slot);
    control.write();
    try (BpfIterator files = cgroups.attachTaskIterator(entry.pid)) {
      hooks.use(id, OptionHooks.read(files));
    }
    try (BpfIterator files = claim.attachTaskIterator(entry.pid)) {
      files.run();
    }
  }

  private void checkMarked(Registration registration) throws IOException {
    int pid = registration.pid();
    ByteBuffer value = jvms.newValue();
    boolean marked = jvms.lookup(key(pid), value);
    if (!marked
        || value.getLong(Jvm.START_BOOTTIME_NS) / NANOS_PER_TICK != registration.startTicks()) {
      throw new WireException(
          ErrorCode.UNAVAILABLE,
          marked
              ? "process " + pid + " is not the one that asked"
              : "process " + pid + " has ended, or is in a pid namespace the helper is not in");
    }
  }

  /** False if there is no such registration. */
  boolean dismiss(int id) throws NativeException {
    Entry entry = byId.remove(id);
    if (entry == null) {
      return false;
    }
    ByteBuffer value = jvms.newValue();
    if (jvms.lookup(key(entry.pid), value) && value.getInt(Jvm.ID) == id) {
      jvms.delete(key(entry.pid));
    }
    slots.clear(entry.slot);
    hooks.leave(id);
    return true;
  }

  /** When a registered process started, in ns since boot, as the kernel has it. */
  long startNanosOf(int pid) throws NativeException {
    ByteBuffer value = jvms.newValue();
    return jvms.lookup(key(pid), value) ? value.getLong(Jvm.START_BOOTTIME_NS) : -1;
  }

  /** Whether there are processes of an earlier helper that may still come back. */
  boolean awaitsOrphans() {
    return !orphans.isEmpty();
  }

  /** The id of one that has not come back in time, and is not registered any more; 0 if none. */
  int nextOrphan() throws NativeException {
    if (orphans.isEmpty() || System.nanoTime() - orphansUntil < 0) {
      return 0;
    }
    Map.Entry<Integer, Integer> orphan = orphans.entrySet().iterator().next();
    orphans.remove(orphan.getKey());
    ByteBuffer value = jvms.newValue();
    if (jvms.lookup(key(orphan.getKey()), value)) {
      slots.clear(value.getInt(Jvm.SLOT));
    }
    jvms.delete(key(orphan.getKey()));
    return orphan.getValue();
  }

  /** 0 if there is no such registration. */
  int slotOf(int id) {
    Entry entry = byId.get(id);
    return entry == null ? 0 : entry.slot;
  }

  /**
   * After adoption: removes the marks of processes that ended while there was no helper. Returns an
   * id above all that are left.
   */
  private int forgetDead() throws NativeException {
    int first = (int) (System.currentTimeMillis() / 1000) & ID_MASK;
    List<Integer> dead = new ArrayList<>();
    ByteBuffer key = jvms.newKey();
    ByteBuffer value = jvms.newValue();
    for (boolean more = jvms.nextKey(null, key); more; more = jvms.nextKey(key, key)) {
      int pid = key.getInt(0);
      if (jvms.lookup(key, value)) {
        first = Math.max(first, value.getInt(Jvm.ID) + 1);
        if (PeerProcess.startTicksOf(pid)
            != value.getLong(Jvm.START_BOOTTIME_NS) / NANOS_PER_TICK) {
          dead.add(pid);
        } else {
          orphans.put(pid, value.getInt(Jvm.ID));
          slots.set(value.getInt(Jvm.SLOT)); // its sockets go on counting there
        }
      }
    }
    for (int pid : dead) {
      jvms.delete(key(pid));
    }
    return first;
  }

  private ByteBuffer key(int pid) {
    return jvms.newKey().putInt(0, pid);
  }
}
