/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.accel;

import io.underpass.ffm.BpfMap;
import io.underpass.ffm.BpfObject;
import io.underpass.ffm.Layouts;
import io.underpass.ffm.Layouts.Jvm;
import io.underpass.ffm.NativeException;
import io.underpass.host.PeerProcess;
import io.underpass.kernel.ProcessIdentity;
import io.underpass.protocol.ErrorCode;
import io.underpass.protocol.UserShare;
import io.underpass.protocol.WireException;
import io.underpass.service.Registration;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * Which processes are registered, as the kernel knows it: the map {@code jvms}. Guarded by the lock
 * of {@code KernelDatapath}.
 */
public final class Registrations {
  /** How long a process that an earlier helper had registered may take to register again. */
  private static final long ORPHAN_NANOS = 60_000_000_000L;

  /** Leaves the ids of one helper room to grow before they turn negative. */
  private static final int ID_MASK = 0x3fff_ffff;

  private final BpfMap jvms;
  private final OptionHooks hooks;
  private final Users users;
  private final int firstId;
  private final boolean samePolicy;
  private final BitSet slots = new BitSet();
  private final Map<Integer, Entry> byId = new HashMap<>();

  /**
   * Processes that an earlier helper had registered, with their ids, and have not come back yet.
   */
  private final Map<Integer, Integer> orphans = new HashMap<>();

  private final long orphansUntil = System.nanoTime() + ORPHAN_NANOS;

  /** Former registrations that still have sockets, by the id of the present one. */
  private final Map<Integer, Ended> unclaimed = new HashMap<>();

  /** Over, but some of their sockets may still be theirs in the kernel. */
  private final List<Ended> ended = new ArrayList<>();

  /** A registration that there is. */
  public record Entry(int id, int pid, int slot, int uid, long domains) {}

  /** One that is over; its slot is another one's as soon as its sockets have been visited. */
  record Ended(int id, int slot) {}

  /**
   * @param samePolicy whether an earlier helper's registrations trust each other as ours do
   */
  public Registrations(BpfObject object, OptionHooks hooks, boolean samePolicy)
      throws NativeException {
    this.jvms = object.map("jvms");
    this.users = new Users(object.map("users"));
    this.hooks = hooks;
    this.samePolicy = samePolicy;
    slots.set(0); // belongs to no registration
    this.firstId = forgetDead();
  }

  /** Above what an earlier helper gave; counts from the clock, so that none comes twice. */
  public int firstId() {
    return firstId;
  }

  /**
   * Makes the kernel ready to mark the process; {@link Claims} has it do so.
   *
   * <p>A process that comes back to another helper has flows that run: until they are claimed they
   * belong to its former registration, which stands beside the new one.
   */
  public Entry begin(Registration registration) throws IOException {
    int slot = slots.nextClearBit(1);
    if (slot > Layouts.UP_MAX_JVMS) {
      throw new WireException(
          ErrorCode.FULL, "there are " + Layouts.UP_MAX_JVMS + " registrations already");
    }
    users.admit(registration.uid());
    int pid = registration.pid();
    ByteBuffer value = jvms.newValue();
    Ended former = null;
    if (orphans.remove(pid) != null && jvms.lookup(key(pid), value)) {
      former = new Ended(value.getInt(Jvm.ID), value.getInt(Jvm.SLOT));
    }
    slots.set(slot);
    Entry entry =
        new Entry(registration.id(), pid, slot, registration.uid(), registration.domains());
    byId.put(registration.id(), entry);
    if (former != null) {
      unclaimed.put(entry.id, former);
    }
    if (former != null && isSame(value, registration)) {
      value.putInt(Jvm.ID, entry.id).putInt(Jvm.SLOT, slot).putInt(Jvm.FORMER, former.id);
      value.putLong(Jvm.DOMAINS, entry.domains);
      jvms.update(key(pid), value, BpfMap.EXIST);
    } else {
      jvms.delete(key(pid)); // of a process that had the pid before
    }
    return entry;
  }

  private static boolean isSame(ByteBuffer jvm, Registration registration) {
    return PeerProcess.ticks(jvm.getLong(Jvm.START_BOOTTIME_NS)) == registration.startTicks();
  }

  /**
   * The process is marked.
   *
   * @param all whether its sockets have been claimed as well: the former registration then has no
   *     more of them, and else as long as this one lasts
   */
  public void claimed(Entry entry, boolean all) throws NativeException {
    Ended former = all ? unclaimed.remove(entry.id) : null;
    if (former == null) {
      return;
    }
    ByteBuffer value = jvms.newValue();
    if (jvms.lookup(key(entry.pid), value) && value.getInt(Jvm.ID) == entry.id) {
      jvms.update(key(entry.pid), value.putInt(Jvm.FORMER, 0), BpfMap.EXIST);
    }
    ended.add(former);
  }

  /** Null if there is no such registration any more. */
  public Entry entryOf(int id) {
    return byId.get(id);
  }

  /**
   * What was marked is the process that has this pid now; the start time that the kernel noted
   * tells whether that is the one that asked.
   */
  public void checkMarked(Registration registration) throws IOException {
    int pid = registration.pid();
    ByteBuffer value = jvms.newValue();
    boolean marked = jvms.lookup(key(pid), value);
    boolean same =
        marked && isSame(value, registration) && value.getInt(Jvm.UID) == registration.uid();
    if (!same) {
      throw new WireException(
          ErrorCode.UNAVAILABLE,
          marked
              ? "process " + pid + " is not the one that asked, or has changed its user"
              : "process " + pid + " has ended, or is in a pid namespace the helper is not in");
    }
  }

  /** False if there is no such registration. */
  public boolean dismiss(int id) throws NativeException {
    Entry entry = byId.remove(id);
    if (entry == null) {
      return false;
    }
    ByteBuffer value = jvms.newValue();
    if (jvms.lookup(key(entry.pid), value) && value.getInt(Jvm.ID) == id) {
      jvms.delete(key(entry.pid));
    }
    ended.add(new Ended(id, entry.slot));
    Ended former = unclaimed.remove(id);
    if (former != null) {
      ended.add(former);
    }
    hooks.leave(id);
    return true;
  }

  /** Those whose sockets have yet to be visited, once. */
  List<Ended> takeEnded() {
    List<Ended> those = List.copyOf(ended);
    ended.clear();
    return those;
  }

  /** They have not been visited after all. */
  void takeBack(List<Ended> those) {
    ended.addAll(those);
  }

  /** Their sockets have been visited: nothing counts in their slots any more. */
  void release(List<Ended> those) throws NativeException {
    those.forEach(e -> slots.clear(e.slot));
    if (!those.isEmpty() && orphans.isEmpty()) {
      users.forgetAllBut(byId.values().stream().map(Entry::uid).collect(Collectors.toSet()));
    }
  }

  /** What each user's sockets take of the tables. */
  public List<UserShare> users() throws NativeException {
    return users.list();
  }

  /** What the kernel noted of a registered process; null if it is not registered. */
  public ProcessIdentity identityOf(int pid) throws NativeException {
    ByteBuffer value = jvms.newValue();
    return jvms.lookup(key(pid), value)
        ? new ProcessIdentity(value.getLong(Jvm.START_BOOTTIME_NS), value.getLong(Jvm.EXEC_ID))
        : null;
  }

  /** Whether there are processes of an earlier helper that may still come back. */
  boolean awaitsOrphans() {
    return !orphans.isEmpty();
  }

  /** Ends the registrations of those that have not come back in time. */
  void endOrphans() throws NativeException {
    if (orphans.isEmpty() || System.nanoTime() - orphansUntil < 0) {
      return;
    }
    ByteBuffer value = jvms.newValue();
    for (Map.Entry<Integer, Integer> orphan : orphans.entrySet()) {
      if (jvms.lookup(key(orphan.getKey()), value)) {
        ended.add(new Ended(orphan.getValue(), value.getInt(Jvm.SLOT)));
        jvms.delete(key(orphan.getKey()));
      }
    }
    orphans.clear();
  }

  /** 0 if there is no such registration. */
  public int slotOf(int id) {
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
        if (!PeerProcess.isAlive(pid, value.getLong(Jvm.START_BOOTTIME_NS))) {
          dead.add(pid);
        } else {
          orphans.put(pid, value.getInt(Jvm.ID));
          slots.set(value.getInt(Jvm.SLOT)); // its sockets go on counting there
          if (!samePolicy && value.getLong(Jvm.DOMAINS) != 0) {
            // Its bits stand for other lines now; it has new ones when it registers again.
            jvms.update(key, value.putLong(Jvm.DOMAINS, 0), BpfMap.EXIST);
          }
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
