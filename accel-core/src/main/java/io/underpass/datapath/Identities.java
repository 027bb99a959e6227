package io.underpass.datapath;

import io.underpass.ffm.BpfMap;
import io.underpass.ffm.NativeException;
import io.underpass.ffm.PortLayouts.Identity;
import io.underpass.helper.Net;
import io.underpass.protocol.ErrorCode;
import io.underpass.protocol.GroupWish;
import io.underpass.protocol.WireException;
import java.io.IOException;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * The addresses that JVMs have for themselves: the map {@code identities}, and the loopback device.
 *
 * <p>What is added to the device is noted in the map first: it is pinned, so that a helper after
 * one that was killed takes back exactly that. Guarded by the lock of {@link PortGroups}.
 */
final class Identities {
  /** Of a pool, so many addresses are looked at; more JVMs than that cannot register. */
  private static final int MAX_TRIED = 1 << 16;

  private static final InetAddress NONE = Net.address(new byte[16]);

  private final BpfMap map;
  private final GroupMembers members;

  /** Seen without a holder once; the next time they are given up. */
  private final Set<InetAddress> abandoned = new HashSet<>();

  Identities(BpfMap map, GroupMembers members) {
    this.map = map;
    this.members = members;
  }

  /**
   * Chooses an address for a process, and makes it local.
   *
   * @param former what the process had in an earlier registration; null for nothing
   * @return {@code ::} if it wants none
   */
  InetAddress take(int pid, String wish, List<Net> pools, InetAddress former) throws IOException {
    if (wish.isEmpty()) {
      return NONE;
    }
    InetAddress address =
        wish.equals(GroupWish.AUTO) ? fromPool(pid, pools, former) : InetAddress.ofLiteral(wish);
    GroupMembers.Entry holder = holderOf(address);
    if (holder != null && holder.pid() != pid) {
      throw new WireException(
          ErrorCode.DENIED,
          "identity="
              + wish
              + ": process "
              + holder.pid()
              + " of group "
              + holder.group()
              + " has it");
    }
    ByteBuffer value = map.newValue();
    boolean added = map.lookup(key(address), value) && value.getInt(Identity.ADDED) != 0;
    boolean toAdd = !added && !isLocal(address);
    value.putInt(Identity.TGID, pid);
    value.putInt(Identity.ADDED, added || toAdd ? 1 : 0);
    map.update(key(address), value, BpfMap.ANY);
    abandoned.remove(address);
    if (toAdd) {
      String trouble = ip("add", address);
      if (trouble != null) {
        map.delete(key(address));
        throw new WireException(
            ErrorCode.UNAVAILABLE, "identity=" + wish + ": it cannot be added: " + trouble);
      }
    }
    return address;
  }

  private InetAddress fromPool(int pid, List<Net> pools, InetAddress former) throws IOException {
    if (former != null && pools.stream().anyMatch(pool -> pool.contains(former))) {
      return former;
    }
    for (Net pool : pools) {
      int hosts = pool.hosts(MAX_TRIED);
      for (int i = 0; i < hosts; i++) {
        InetAddress address = pool.host(i);
        GroupMembers.Entry holder = holderOf(address);
        boolean ours = map.lookup(key(address), map.newValue());
        // An address that others have made local belongs to them.
        boolean foreign = !ours && !address.isLoopbackAddress() && isLocal(address);
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
    if (map.lookup(key(address), value) && value.getInt(Identity.ADDED) != 0) {
      String trouble = ip("del", address);
      if (trouble != null && isLocal(address)) { // else somebody has removed it already
        throw new IOException("cannot remove " + text(address) + ": " + trouble);
      }
    }
    map.delete(key(address));
  }

  private List<InetAddress> all() throws NativeException {
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

  /** 127.0.0.0/8 is, as a whole. */
  private static boolean isLocal(InetAddress address) {
    return address.isLoopbackAddress()
        || LocalAddresses.of((int) ProcessHandle.current().pid()).contains(address);
  }

  /** Null if it worked, else what ip(8) said. */
  private static String ip(String verb, InetAddress address) throws IOException {
    List<String> command = new ArrayList<>(List.of("ip", "addr", verb));
    command.add(address.getHostAddress() + (address instanceof Inet6Address ? "/128" : "/32"));
    command.addAll(List.of("dev", "lo"));
    if (address instanceof Inet6Address && verb.equals("add")) {
      command.add("nodad"); // usable at once
    }
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    process.getOutputStream().close();
    String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    try {
      return process.waitFor() == 0 ? null : said.strip();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return "interrupted";
    }
  }

  private ByteBuffer key(InetAddress address) {
    return map.newKey().put(0, Net.mapped(address));
  }
}
