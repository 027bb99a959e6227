package io.underpass.datapath;

import io.underpass.ffm.BpfMap;
import io.underpass.ffm.NativeException;
import io.underpass.ffm.PortLayouts.Local;
import io.underpass.helper.Net;
import java.io.IOException;
import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The addresses of this host, by network namespace: the map {@code locals}. A connection to another
 * host is never translated, and the hooks cannot ask the routing table.
 *
 * <p>Loopback addresses need no entry. Guarded by the lock of {@link PortGroups}.
 */
final class LocalAddresses {
  private final BpfMap map;

  /** What is in the map. */
  private final Set<Entry> entered = new HashSet<>();

  private record Entry(int netns, InetAddress address) {}

  LocalAddresses(BpfMap map) throws NativeException {
    this.map = map;
    ByteBuffer key = map.newKey();
    for (boolean more = map.nextKey(null, key); more; more = map.nextKey(key, key)) {
      byte[] address = new byte[16];
      key.get(Local.ADDR, address);
      entered.add(new Entry(key.getInt(Local.NETNS_INUM), Net.address(address)));
    }
  }

  /**
   * Brings the map up to date.
   *
   * @param namespaces those that matter, each with a process that lives in it
   */
  void refresh(Map<Integer, Integer> namespaces) throws NativeException {
    Set<Entry> now = new HashSet<>();
    for (Map.Entry<Integer, Integer> namespace : namespaces.entrySet()) {
      for (InetAddress address : of(namespace.getValue())) {
        now.add(new Entry(namespace.getKey(), address));
      }
    }
    for (Entry entry : now) {
      if (!entered.contains(entry)) {
        map.update(key(entry), map.newValue(), BpfMap.ANY);
      }
    }
    for (Entry entry : entered) {
      if (!now.contains(entry)) {
        map.delete(key(entry));
      }
    }
    entered.clear();
    entered.addAll(now);
  }

  private ByteBuffer key(Entry entry) {
    return map.newKey()
        .putInt(Local.NETNS_INUM, entry.netns)
        .put(Local.ADDR, Net.mapped(entry.address));
  }

  /** The addresses in a process's network namespace; none if the process has gone. */
  static Set<InetAddress> of(int pid) {
    Path net = Path.of("/proc/" + pid + "/net");
    Set<InetAddress> addresses = new HashSet<>();
    try {
      addresses.addAll(v4(Files.readAllLines(net.resolve("fib_trie"))));
      addresses.addAll(v6(Files.readAllLines(net.resolve("if_inet6"))));
    } catch (NoSuchFileException e) {
      // The process has gone, or the kernel has no IPv6.
    } catch (IOException e) {
      // It goes as we look.
    }
    return addresses;
  }

  /**
   * Of {@code fib_trie}: an address is the last one named before its line {@code /32 host LOCAL}.
   */
  static Set<InetAddress> v4(List<String> trie) {
    Set<InetAddress> addresses = new HashSet<>();
    String last = "";
    for (String line : trie) {
      int leaf = line.indexOf("|-- ");
      if (leaf >= 0) {
        last = line.substring(leaf + 4).strip();
      } else if (line.contains("/32 host LOCAL")) {
        addresses.add(InetAddress.ofLiteral(last));
      }
    }
    return addresses;
  }

  /** Of {@code if_inet6}: 32 hexadecimal digits begin each line. */
  static Set<InetAddress> v6(List<String> lines) {
    Set<InetAddress> addresses = new HashSet<>();
    for (String line : lines) {
      addresses.add(Net.address(HexFormat.of().parseHex(line.substring(0, 32))));
    }
    return addresses;
  }
}
