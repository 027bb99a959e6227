/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.ports;

import io.underpass.ffm.BpfMap;
import io.underpass.ffm.Errno;
import io.underpass.ffm.NativeException;
import io.underpass.ffm.NetNamespace;
import io.underpass.ffm.PortLayouts.Local;
import io.underpass.ffm.RouteSocket;
import io.underpass.policy.Net;
import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;

/**
 * The addresses of this host, by network namespace: the map {@code locals}. A connection to another
 * host is never translated, and the hooks cannot ask the routing table.
 *
 * <p>What there is no room for counts as another host's. Loopback addresses need no entry. Guarded
 * by {@code changes} of {@link PortGroups}.
 */
final class LocalAddresses {
  /** Of the helper's own namespace, which no tenant fills. */
  static final int OWN_MOST = 4096;

  /** Of all namespaces together that one uid's members are in: some dozens of containers. */
  static final int UID_MOST = 512;

  /** Of routes to this host, so many may be no single addresses, 127.0.0.0/8 among them. */
  private static final int ROUTES_BESIDE = 16;

  private final BpfMap map;
  private final int own;
  private final Consumer<String> trouble;

  /** What is in the map, by namespace. */
  private final Map<Integer, Set<InetAddress>> entered = new HashMap<>();

  /** Whose share a namespace's addresses are: of the uid that was seen in it first. */
  private final Map<Integer, Integer> charged = new HashMap<>();

  /** Namespaces of which something has been said. */
  private final Set<Integer> told = new HashSet<>();

  /** A process and its namespace. */
  record Dweller(int netns, int pid, int uid) {}

  /**
   * @param own the helper's own namespace
   */
  LocalAddresses(BpfMap map, int own, Consumer<String> trouble) throws NativeException {
    this.map = map;
    this.own = own;
    this.trouble = trouble;
    ByteBuffer key = map.newKey();
    for (boolean more = map.nextKey(null, key); more; more = map.nextKey(key, key)) {
      byte[] address = new byte[16];
      key.get(Local.ADDR, address);
      entered
          .computeIfAbsent(key.getInt(Local.NETNS_INUM), _ -> new HashSet<>())
          .add(Net.address(address));
    }
  }

  /**
   * Brings the map up to date: of these namespaces, and of no others.
   *
   * @param added addresses that the helper has just added to its own namespace: the kernel routes
   *     those of IPv6 to this host a moment later
   */
  void refresh(List<Dweller> dwellers, Collection<InetAddress> added) throws NativeException {
    Map<Integer, Dweller> namespaces = new HashMap<>();
    dwellers.forEach(d -> namespaces.putIfAbsent(d.netns, d));
    for (Iterator<Integer> it = entered.keySet().iterator(); it.hasNext(); ) {
      int netns = it.next();
      if (!namespaces.containsKey(netns)) {
        for (InetAddress address : entered.get(netns)) {
          map.delete(key(netns, address));
        }
        it.remove();
        charged.remove(netns);
        told.remove(netns);
      }
    }
    for (Dweller dweller : namespaces.values()) {
      enter(dweller, added);
    }
  }

  /** The same of one namespace. */
  void enter(Dweller dweller, Collection<InetAddress> added) throws NativeException {
    int netns = dweller.netns;
    charged.putIfAbsent(netns, dweller.uid);
    int most = netns == own ? OWN_MOST : UID_MOST - usedElsewhere(netns);
    Set<InetAddress> now = new LinkedHashSet<>(netns == own ? added : List.of());
    try {
      now.addAll(read(dweller, 2 * most + ROUTES_BESIDE));
    } catch (NativeException e) {
      // What is known of it stays; other namespaces have nothing to do with it.
      tell(dweller, "cannot be read: " + e.getMessage());
      return;
    }
    Set<InetAddress> before = entered.computeIfAbsent(netns, _ -> new HashSet<>());
    for (Iterator<InetAddress> it = before.iterator(); it.hasNext(); ) {
      InetAddress address = it.next();
      if (!now.contains(address)) {
        map.delete(key(netns, address));
        it.remove();
      }
    }
    for (InetAddress address : now) {
      if (address.isLoopbackAddress() || before.contains(address)) {
        continue;
      }
      if (before.size() >= most || !update(netns, address)) {
        tell(dweller, "have room for " + before.size() + "; the rest counts as another host's");
        return;
      }
      before.add(address);
    }
  }

  /** What the uid that a namespace is charged to has in others. */
  private int usedElsewhere(int netns) {
    int uid = charged.get(netns);
    int used = 0;
    for (Map.Entry<Integer, Set<InetAddress>> other : entered.entrySet()) {
      boolean counts = other.getKey() != netns && other.getKey() != own;
      if (counts && charged.getOrDefault(other.getKey(), -1) == uid) {
        used += other.getValue().size();
      }
    }
    return Math.min(used, UID_MOST);
  }

  /** False if the map is full. */
  private boolean update(int netns, InetAddress address) throws NativeException {
    try {
      map.update(key(netns, address), map.newValue(), BpfMap.ANY);
      return true;
    } catch (NativeException e) {
      if (e.errno() == Errno.E2BIG) {
        return false;
      }
      throw e;
    }
  }

  private void tell(Dweller dweller, String what) {
    if (told.add(dweller.netns)) {
      trouble.accept(
          "port groups: the addresses of network namespace "
              + Integer.toUnsignedString(dweller.netns)
              + " (process "
              + dweller.pid
              + ", uid "
              + Integer.toUnsignedString(dweller.uid)
              + ") "
              + what);
    }
  }

  private ByteBuffer key(int netns, InetAddress address) {
    return map.newKey().putInt(Local.NETNS_INUM, netns).put(Local.ADDR, Net.mapped(address));
  }

  private Set<InetAddress> read(Dweller dweller, int limit) throws NativeException {
    if (dweller.netns == own) {
      return own(limit);
    }
    RouteSocket routes;
    try (NetNamespace namespace = NetNamespace.ofProcess(dweller.pid)) {
      if (namespace.number() != dweller.netns) {
        return Set.of(); // it is another process's pid by now
      }
      routes = namespace.run(RouteSocket::open);
    } catch (NativeException e) {
      if (e.errno() == Errno.ENOENT || e.errno() == Errno.ESRCH) {
        return Set.of(); // the process has gone
      }
      throw e;
    }
    try (routes) {
      return routes.localAddresses(limit);
    }
  }

  /** Those of the helper's own namespace. */
  static Set<InetAddress> own(int limit) throws NativeException {
    try (RouteSocket routes = RouteSocket.open()) {
      return routes.localAddresses(limit);
    }
  }
}
