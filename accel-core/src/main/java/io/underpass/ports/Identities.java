/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.ports;

import io.underpass.ffm.BpfMap;
import io.underpass.ffm.Errno;
import io.underpass.ffm.NativeException;
import io.underpass.ffm.PortLayouts;
import io.underpass.ffm.PortLayouts.Identity;
import io.underpass.ffm.RouteSocket;
import io.underpass.policy.Net;
import io.underpass.protocol.ErrorCode;
import io.underpass.protocol.GroupWish;
import io.underpass.protocol.WireException;
import io.underpass.service.Registration;
import java.io.IOException;
import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Predicate;

/**
 * The addresses that JVMs have for themselves: the map {@code identities}, and the loopback device.
 *
 * <p>What is added to the device is noted in the map first: it is pinned, so that a helper after
 * one that was killed takes back exactly that. Guarded by {@code changes} of {@link PortGroups}.
 */
final class Identities {
  /** Of a pool, so many addresses are looked at; more JVMs than that cannot register. */
  private static final int MAX_TRIED = 1 << 16;

  private static final InetAddress NONE = Net.address(new byte[16]);

  private final BpfMap map;
  private final BpfMap filter;
  private final GroupMembers members;

  /** The helper's own network namespace: identities are of no other. */
  private final int netns;

  /** Seen without a holder once; the next time they are given up. */
  private final Set<InetAddress> abandoned = new HashSet<>();

  /**
   * @param filter says whether there is one at all
   */
  Identities(BpfMap map, BpfMap filter, GroupMembers members, int netns) {
    this.map = map;
    this.filter = filter;
    this.members = members;
    this.netns = netns;
  }

  /**
   * Chooses an address for a process, and makes it local.
   *
   * @param former what the process had in an earlier registration; null for nothing
   * @return {@code ::} if it wants none
   */
  InetAddress take(Registration registration, String wish, List<Net> pools, InetAddress former)
      throws IOException {
    if (wish.isEmpty()) {
      return NONE;
    }
    int pid = registration.pid();
    Set<InetAddress> local = LocalAddresses.own(LocalAddresses.OWN_MOST);
    InetAddress address =
        wish.equals(GroupWish.AUTO)
            ? fromPool(registration, pools, former, local)
            : InetAddress.ofLiteral(wish);
    GroupMembers.Entry holder = holderOf(address);
    if (holder != null && holder.pid() != pid) {
      throw new WireException(ErrorCode.DENIED, "identity=" + wish + ": another process has it");
    }
    ByteBuffer value = map.newValue();
    boolean known = map.lookup(key(address), value);
    if (!known || value.getInt(Identity.UID) != registration.uid()) {
      checkShare(registration.uid(), wish, all(), PortLayouts.UP_MAX_IDENTITIES);
    }
    boolean added = known && isAdded(value);
    boolean loopback = address.isLoopbackAddress(); // 127.0.0.0/8 is local, as a whole
    boolean toAdd = !added && !loopback && !local.contains(address);
    value.putInt(Identity.TGID, pid).putInt(Identity.UID, registration.uid());
    value.putInt(Identity.NETNS_INUM, netns);
    value.putInt(
        Identity.FLAGS,
        (added || toAdd ? PortLayouts.UP_I_ADDED : 0)
            | (added || toAdd || loopback ? PortLayouts.UP_I_SOLE : 0));
    map.update(key(address), value, BpfMap.ANY);
    writeFilter();
    abandoned.remove(address);
    if (toAdd) {
      try (RouteSocket routes = RouteSocket.open()) {
        routes.add(address);
      } catch (NativeException e) {
        map.delete(key(address));
        writeFilter();
        throw new WireException(
            ErrorCode.UNAVAILABLE, "identity=" + wish + ": it cannot be added: " + e.getMessage());
      }
    }
    return address;
  }

  private static boolean isAdded(ByteBuffer value) {
    return (value.getInt(Identity.FLAGS) & PortLayouts.UP_I_ADDED) != 0;
  }

  /**
   * One uid has at most as many as are left for all others.
   *
   * @param taken what anybody has
   * @param most how many there can be
   */
  private void checkShare(int uid, String wish, List<InetAddress> taken, int most)
      throws NativeException, WireException {
    int own = 0;
    ByteBuffer value = map.newValue();
    for (InetAddress address : taken) {
      own += map.lookup(key(address), value) && value.getInt(Identity.UID) == uid ? 1 : 0;
    }
    if (own > 0 && own >= most - taken.size()) {
      throw new WireException(
          ErrorCode.FULL,
          "identity="
              + wish
              + ": uid "
              + Integer.toUnsignedString(uid)
              + " has "
              + own
              + " addresses, as many as are left for all others");
    }
  }

  private void writeFilter() throws NativeException {
    filter.update(filter.newKey(), filter.newValue().putInt(0, isAnyLeft() ? 1 : 0), BpfMap.ANY);
  }

  private InetAddress fromPool(
      Registration registration, List<Net> pools, InetAddress former, Set<InetAddress> local)
      throws IOException {
    Predicate<InetAddress> pooled = a -> pools.stream().anyMatch(pool -> pool.contains(a));
    if (former != null && pooled.test(former)) {
      return former;
    }
    int pid = registration.pid();
    List<InetAddress> taken = new ArrayList<>();
    for (InetAddress address : all()) {
      GroupMembers.Entry holder = pooled.test(address) ? holderOf(address) : null;
      if (holder != null && holder.pid() != pid) {
        taken.add(address); // one that is being given up can be had
      }
    }
    int most = pools.stream().mapToInt(pool -> pool.hosts(MAX_TRIED)).sum();
    checkShare(registration.uid(), GroupWish.AUTO, taken, most);
    for (Net pool : pools) {
      int hosts = pool.hosts(MAX_TRIED);
      for (int i = 0; i < hosts; i++) {
        InetAddress address = pool.host(i);
        GroupMembers.Entry holder = holderOf(address);
        boolean ours = map.lookup(key(address), map.newValue());
        // An address that others have made local belongs to them.
        boolean foreign = !ours && !address.isLoopbackAddress() && local.contains(address);
        if ((holder == null || holder.pid() == pid) && !foreign) {
          return address;
        }
      }
    }
    throw new WireException(
        ErrorCode.FULL,
        "identity=auto: every address of the pool "
            + String.join(" ", pools.stream().map(Net::text).toList())
            + " is taken");
  }

  /** The member that has it; null if none has. */
  private GroupMembers.Entry holderOf(InetAddress address) throws NativeException {
    ByteBuffer value = map.newValue();
    if (!map.lookup(key(address), value)) {
      return null;
    }
    GroupMembers.Entry entry = members.get(value.getInt(Identity.TGID));
    return entry != null && entry.identity().equals(address) ? entry : null;
  }

  /** Gives up what nobody has any more, at the second look: connections may still be closing. */
  void giveUpAbandoned() throws IOException {
    Set<InetAddress> before = new HashSet<>(abandoned);
    abandoned.clear();
    for (InetAddress address : all()) {
      if (holderOf(address) != null) {
        continue;
      }
      if (before.contains(address)) {
        giveUp(address);
      } else {
        abandoned.add(address);
      }
    }
  }

  /** Whether there is one, held or not. */
  boolean isAnyLeft() throws NativeException {
    return map.nextKey(null, map.newKey());
  }

  /** Gives up all. */
  void giveUpAll() throws IOException {
    for (InetAddress address : all()) {
      giveUp(address);
    }
  }

  private void giveUp(InetAddress address) throws IOException {
    ByteBuffer value = map.newValue();
    if (map.lookup(key(address), value) && isAdded(value)) {
      try (RouteSocket routes = RouteSocket.open()) {
        routes.remove(address);
      } catch (NativeException e) {
        if (e.errno() != Errno.EADDRNOTAVAIL) { // somebody has removed it already
          throw e;
        }
      }
    }
    map.delete(key(address));
    writeFilter();
  }

  /** All, held or not. */
  List<InetAddress> all() throws NativeException {
    List<InetAddress> all = new ArrayList<>();
    ByteBuffer key = map.newKey();
    for (boolean more = map.nextKey(null, key); more; more = map.nextKey(key, key)) {
      byte[] address = new byte[16];
      key.get(0, address);
      all.add(Net.address(address));
    }
    return all;
  }

  /** Empty for none. */
  static String text(InetAddress address) {
    return address.isAnyLocalAddress() ? "" : address.getHostAddress();
  }

  private ByteBuffer key(InetAddress address) {
    return map.newKey().put(0, Net.mapped(address));
  }
}
