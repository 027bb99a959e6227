/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.accel;

import io.underpass.ffm.BpfMap;
import io.underpass.ffm.BpfObject;
import io.underpass.ffm.Cgroup;
import io.underpass.ffm.Errno;
import io.underpass.ffm.Layouts;
import io.underpass.ffm.NativeException;
import io.underpass.kernel.Pins;
import io.underpass.protocol.ErrorCode;
import io.underpass.protocol.WireException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;

/**
 * The hooks of {@code setsockopt} and {@code getsockopt}, attached to the cgroups of registered
 * processes and to no others: where they are attached, each of these calls takes the socket's lock
 * and copies the value, some 0.1 us, whatever the option and if the program did nothing at all.
 *
 * <p>The kernel goes by the cgroup that a socket was made in. So what must hold is: <em>while a
 * socket is enrolled, its own cgroup is hooked</em>. A cgroup comes into the map {@code hooked},
 * without which no socket of it is enrolled, when both programs are attached; they are detached
 * when it is out of the map again, and none of its sockets is enrolled any more.
 *
 * <p>Guarded by the lock of {@code KernelDatapath}.
 */
public final class OptionHooks {
  private static final List<String> PROGRAMS = List.of("up_setsockopt", "up_getsockopt");

  /**
   * A process is in one, which comes first (its files 0 to 2 are hardly ever TCP sockets), and has
   * sockets of few: one more where it was moved, or has been handed a listener. Sockets of yet
   * another one stay plain.
   */
  private static final int MAX_EACH = 8;

  /** So that one user's processes leave room for others'. */
  private static final int MAX_EACH_USER = Layouts.UP_MAX_CGROUPS / 4;

  /**
   * How long a hook stays that nobody needs: to attach the first one of a host, and to detach the
   * last, has the kernel change its code on all processors, and short programs follow each other.
   */
  private static final long LINGER_NANOS = 2_000_000_000L;

  /** Stands for all who registered with the helper before this one. */
  private static final int EARLIER = 0;

  private final Pins pins;
  private final BpfObject object;
  private final Cgroup mount;
  private final BpfMap hooked;
  private final Halves halves;
  private final Consumer<String> trouble;

  /**
   * Which registrations need a hook, by the cgroup's id; with none it is not in the map {@code
   * hooked}. Its two links are kept by their pins alone.
   */
  private final Map<Long, Set<Integer>> users = new HashMap<>();

  /** Whose registrations they are that use some. */
  private final Map<Integer, Integer> uids = new HashMap<>();

  /** Those that nobody needs, with the time since when. */
  private final Map<Long, Long> unused = new HashMap<>();

  /** Cgroups that the kernel refused, and that was said. */
  private final Set<Long> refused = new HashSet<>();

  /**
   * @param mount any cgroup of the hierarchy; whose it is to close stays the caller's
   * @param halves tells which cgroups have enrolled sockets
   * @param trouble gets a line for each cgroup that cannot be hooked
   */
  public OptionHooks(
      Pins pins, BpfObject object, Cgroup mount, Halves halves, Consumer<String> trouble)
      throws NativeException {
    this.pins = pins;
    this.object = object;
    this.mount = mount;
    this.hooked = object.map("hooked");
    this.halves = halves;
    this.trouble = trouble;
  }

  /** Puts these programs in the place of those that an earlier helper left attached. */
  public void adopt() throws IOException {
    for (long id : pins.attachedCgroups()) {
      use(EARLIER, id);
    }
  }

  /** Those who registered with an earlier helper have come back, or will not. */
  void endAdoption() throws NativeException {
    leaveAllBut(EARLIER, Set.of());
  }

  /**
   * Sees to it that these cgroups are hooked for a registration, and no others.
   *
   * @param uid whose registration it is
   * @param cgroups their ids; of those that are gone, and of too many, nothing is made
   * @throws WireException if the kernel refuses them all
   */
  public void use(int registration, int uid, Set<Long> cgroups) throws IOException {
    uids.put(registration, uid);
    Set<Long> wanted = new LinkedHashSet<>();
    WireException why = null;
    boolean some = false;
    for (long id : cgroups) {
      if (wanted.size() == MAX_EACH) {
        break;
      }
      wanted.add(id);
      try {
        some |= use(registration, id);
      } catch (WireException e) {
        why = e;
        if (refused.size() < Layouts.UP_MAX_CGROUPS && refused.add(id)) {
          trouble.accept("cgroup " + id + ": " + e.getMessage());
        }
      }
    }
    leaveAllBut(registration, wanted);
    if (why != null && !some) {
      throw why;
    }
  }

  /** False if there is no such cgroup any more. */
  private boolean use(int registration, long id) throws IOException {
    if (!users.containsKey(id)) {
      if (users.size() == Layouts.UP_MAX_CGROUPS) {
        throw new WireException(
            ErrorCode.FULL,
            "there are processes of " + Layouts.UP_MAX_CGROUPS + " cgroups already");
      }
      if (registration != EARLIER && countOf(uids.get(registration)) >= MAX_EACH_USER) {
        throw new WireException(
            ErrorCode.FULL,
            "there are processes of this user in " + MAX_EACH_USER + " cgroups already");
      }
      if (!attach(registration, id)) {
        return false;
      }
      users.put(id, new HashSet<>());
    }
    hooked.update(key(id), hooked.newValue(), BpfMap.ANY);
    users.get(id).add(registration);
    unused.remove(id);
    return true;
  }

  /** How many cgroups are hooked for a user's registrations. */
  private long countOf(int uid) {
    return users.values().stream()
        .filter(its -> its.stream().anyMatch(r -> Integer.valueOf(uid).equals(uids.get(r))))
        .count();
  }

  /** False if there is no such cgroup any more. */
  private boolean attach(int registration, long id) throws IOException {
    try {
      for (String program : PROGRAMS) {
        pins.attach(object.program(program), mount, id);
      }
      return true;
    } catch (NativeException e) {
      boolean gone =
          e.errno() == Errno.ESTALE || e.errno() == Errno.ENOENT || e.errno() == Errno.ENOLINK;
      if (gone || registration != EARLIER) {
        detach(id);
      }
      if (gone) {
        return false;
      }
      throw new WireException(
          ErrorCode.UNAVAILABLE,
          "the kernel refuses to attach programs to the process's cgroup: " + e.getMessage());
    }
  }

  /** A registration is over. */
  public void leave(int registration) throws NativeException {
    leaveAllBut(registration, Set.of());
    uids.remove(registration);
  }

  /** What nobody needs takes no further sockets from here on. */
  private void leaveAllBut(int registration, Set<Long> kept) throws NativeException {
    for (Map.Entry<Long, Set<Integer>> entry : users.entrySet()) {
      long id = entry.getKey();
      Set<Integer> its = entry.getValue();
      if (!kept.contains(id) && its.remove(registration) && its.isEmpty()) {
        hooked.delete(key(id));
        unused.put(id, System.nanoTime());
      }
    }
  }

  /**
   * Detaches those that nobody needs, once they have no enrolled socket any more. None can come: no
   * sweep has enrolled one since they went out of the map.
   *
   * @return whether there are others, to be looked at later
   */
  boolean removeUnused() throws IOException {
    Set<Long> due = new HashSet<>();
    unused.forEach(
        (id, since) -> {
          if (System.nanoTime() - since >= LINGER_NANOS) {
            due.add(id);
          }
        });
    if (!due.isEmpty()) {
      due.removeAll(halves.cgroupsOfMembers(due));
      for (long id : due) {
        detach(id);
        users.remove(id);
        unused.remove(id);
      }
    }
    return !unused.isEmpty();
  }

  private void detach(long id) throws IOException {
    for (String program : PROGRAMS) {
      pins.detach(program, id);
    }
  }

  private ByteBuffer key(long id) {
    return hooked.newKey().putLong(0, id);
  }
}
