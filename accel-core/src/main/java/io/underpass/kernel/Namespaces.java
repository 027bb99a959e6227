/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.kernel;

import io.underpass.ffm.NativeException;
import io.underpass.ffm.NetNamespace;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;

/**
 * The network namespaces in which registered processes have sockets, each held open from a
 * registration (or {@code CLAIM}) to its end: a look-up by addresses sees the namespace of the
 * thread that makes it.
 *
 * <p>Thread-safe; everything is guarded by this.
 */
public final class Namespaces implements AutoCloseable {
  private final int home;

  /** Without CAP_SYS_ADMIN it may not: sockets in other namespaces then run by TCP. */
  private final boolean mayEnter;

  /** By the kernel's number. */
  private final Map<Integer, Held> held = new HashMap<>();

  private static final class Held {
    final NetNamespace namespace;

    /** Registrations that have sockets there. */
    final Set<Integer> users = new HashSet<>();

    /** Threads that are inside. */
    int inside;

    Held(NetNamespace namespace) {
      this.namespace = namespace;
    }
  }

  public Namespaces() throws NativeException {
    try (NetNamespace own = NetNamespace.own()) {
      home = own.number();
      mayEnter = own.mayBeEntered();
    }
  }

  /** The helper's own. */
  public int home() {
    return home;
  }

  public synchronized boolean isKnown(int number) {
    return number == home || held.containsKey(number);
  }

  /** Takes a namespace over for a registration; it is closed with the last one that uses it. */
  public synchronized void keep(int registration, NetNamespace namespace) {
    int number = namespace.number();
    Held known = number == home ? null : held.get(number);
    if (number != home && known == null && mayEnter) {
      known = new Held(namespace);
      held.put(number, known);
    } else {
      namespace.close();
    }
    if (known != null) {
      known.users.add(registration);
    }
  }

  /** A registration has sockets in a namespace that is known. */
  public synchronized void use(int registration, int number) {
    Held known = held.get(number);
    if (known != null) {
      known.users.add(registration);
    }
  }

  /** A registration is over. */
  public synchronized void leave(int registration) {
    held.values().forEach(h -> h.users.remove(registration));
    closeUnused();
  }

  private void closeUnused() {
    held.values()
        .removeIf(
            h -> {
              boolean unused = h.users.isEmpty() && h.inside == 0;
              if (unused) {
                h.namespace.close();
              }
              return unused;
            });
  }

  /** Work that runs in a namespace. */
  @FunctionalInterface
  public interface Work {
    void run() throws NativeException;
  }

  /** Does the work inside a namespace; false where it cannot be entered. */
  public boolean run(int number, Work work) throws NativeException {
    if (number == home) {
      work.run();
      return true;
    }
    Held there = enter(number);
    if (there == null) {
      return false;
    }
    try {
      there.namespace.run(
          () -> {
            work.run();
            return null;
          });
      return true;
    } finally {
      leave(there);
    }
  }

  private synchronized Held enter(int number) {
    Held there = held.get(number);
    if (there != null) {
      there.inside++;
    }
    return there;
  }

  private synchronized void leave(Held there) {
    there.inside--;
    closeUnused();
  }

  @Override
  public synchronized void close() {
    held.values().forEach(h -> h.namespace.close());
    held.clear();
  }
}
