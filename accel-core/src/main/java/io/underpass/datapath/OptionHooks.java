package io.underpass.datapath;

import io.underpass.ffm.BpfIterator;
import io.underpass.ffm.BpfLink;
import io.underpass.ffm.BpfMap;
import io.underpass.ffm.BpfObject;
import io.underpass.ffm.Cgroup;
import io.underpass.ffm.Errno;
import io.underpass.ffm.Layouts;
import io.underpass.ffm.NativeException;
import io.underpass.protocol.ErrorCode;
import io.underpass.protocol.WireException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

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
 * <p>Guarded by the lock of {@link KernelDatapath}.
 */
final class OptionHooks implements AutoCloseable {
  private static final List<String> PROGRAMS = List.of("up_setsockopt", "up_getsockopt");

  /**
   * A process is in one, which comes first (its files 0 to 2 are hardly ever TCP sockets), and has
   * sockets of few: one more where it was moved, or has been handed a listener. Sockets of yet
   * another one stay plain.
   */
  private static final int MAX_EACH = 8;

  /** Stands for all who registered with the helper before this one. */
  private static final int EARLIER = 0;

  private final Pins pins;
  private final BpfObject object;
  private final Cgroup mount;
  private final BpfMap hooked;
  private final BpfIterator held;

  /** By the cgroup's id. */
  private final Map<Long, Hook> hooks = new HashMap<>();

  /**
   * @param users ids of the registrations that need it; with none it is not in the map {@code
   *     hooked}
   */
  private record Hook(List<BpfLink> links, Set<Integer> users) {}

  /**
   * @param mount any cgroup of the hierarchy; whose it is to close stays the caller's
   * @param held {@code up_held_cgroups}
   */
  OptionHooks(Pins pins, BpfObject object, Cgroup mount, BpfIterator held) throws NativeException {
    this.pins = pins;
    this.object = object;
    this.mount = mount;
    this.hooked = object.map("hooked");
    this.held = held;
  }

  /** Puts these programs in the place of those that an earlier helper left attached. */
  void adopt() throws IOException {
    for (long id : pins.attachedCgroups()) {
      use(EARLIER, id);
    }
  }

  /** Those who registered with an earlier helper have come back, or will not. */
  void endAdoption() throws NativeException {
    leave(EARLIER);
  }

  /**
   * Sees to it that these cgroups are hooked for a registration.
   *
   * @param cgroups their ids; of those that are gone, and of too many, nothing is made
   */
  void use(int registration, Set<Long> cgroups) throws IOException {
    long used = hooks.values().stream().filter(h -> h.users.contains(registration)).count();
    for (long id : cgroups) {
      Hook hook = hooks.get(id);
      if (hook != null && hook.users.contains(registration)) {
        continue;
      }
      if (used++ == MAX_EACH) {
        return;
      }
      use(registration, id);
    }
  }

  private void use(int registration, long id) throws IOException {
    Hook hook = hooks.get(id);
    if (hook == null) {
      if (hooks.size() == Layouts.UP_MAX_CGROUPS) {
        throw new WireException(
            ErrorCode.FULL,
            "there are processes of " + Layouts.UP_MAX_CGROUPS + " cgroups already");
      }
      hook = attach(registration, id);
      if (hook == null) {
        return;
      }
      hooks.put(id, hook);
    }
    hooked.update(key(id), hooked.newValue(), BpfMap.ANY);
    hook.users.add(registration);
  }

  /** Null if there is no such cgroup any more. */
  private Hook attach(int registration, long id) throws IOException {
    Hook hook = new Hook(new ArrayList<>(), new HashSet<>());
    try {
      for (String program : PROGRAMS) {
        hook.links.add(pins.attach(object.program(program), mount, id));
      }
      return hook;
    } catch (NativeException e) {
      boolean gone =
          e.errno() == Errno.ESTALE || e.errno() == Errno.ENOENT || e.errno() == Errno.ENOLINK;
      if (gone || registration != EARLIER) {
        detach(id, hook);
      }
      if (gone) {
        return null;
      }
      throw new WireException(
          ErrorCode.UNAVAILABLE,
          "the kernel refuses to attach programs to the process's cgroup: " + e.getMessage());
    }
  }

  /** A registration is over. What nobody needs takes no further sockets from here on. */
  void leave(int registration) throws NativeException {
    for (Map.Entry<Long, Hook> entry : hooks.entrySet()) {
      Set<Integer> users = entry.getValue().users;
      if (users.remove(registration) && users.isEmpty()) {
        hooked.delete(key(entry.getKey()));
      }
    }
  }

  /**
   * Detaches those that nobody needs, once they have no enrolled socket any more.
   *
   * @return whether there are others, to be looked at later
   */
  boolean removeUnused() throws NativeException {
    Set<Long> unused = new HashSet<>(hooks.keySet());
    unused.removeIf(id -> !hooks.get(id).users.isEmpty());
    if (unused.isEmpty()) {
      return false;
    }
    Set<Long> kept = read(held);
    boolean all = true;
    for (long id : unused) {
      if (kept.contains(id)) {
        all = false;
      } else {
        detach(id, hooks.remove(id));
      }
    }
    return !all;
  }

  private void detach(long id, Hook hook) throws NativeException {
    try {
      for (String program : PROGRAMS) {
        pins.detach(program, id);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } finally {
      hook.links.forEach(BpfLink::close);
    }
  }

  /** What an iterator writes that writes ids of cgroups, in its order. */
  static Set<Long> read(BpfIterator cgroups) throws NativeException {
    Set<Long> ids = new LinkedHashSet<>();
    cgroups.run(
        rows -> {
          while (rows.hasRemaining()) {
            ids.add(rows.getLong());
          }
        });
    return ids;
  }

  private ByteBuffer key(long id) {
    return hooked.newKey().putLong(0, id);
  }

  /** What is attached stays so, by its pins. */
  @Override
  public void close() {
    hooks.values().forEach(hook -> hook.links.forEach(BpfLink::close));
    hooks.clear();
  }
}
