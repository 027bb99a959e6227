/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.ports;

import io.underpass.ffm.BpfMap;
import io.underpass.ffm.NativeException;
import io.underpass.ffm.PortLayouts;
import io.underpass.ffm.PortLayouts.Member;
import io.underpass.ffm.PortLayouts.Range;
import io.underpass.kernel.ProcessIdentity;
import io.underpass.policy.Net;
import io.underpass.protocol.PortRanges;
import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * The map {@code port_members}, and the filter before it. Thread-safe: what is done here waits for
 * nobody.
 */
final class GroupMembers {
  private final BpfMap map;
  private final BpfMap filter;

  /**
   * A member as the kernel has it.
   *
   * @param process tells it from another process with its pid, and from another program
   * @param identity {@code ::} for none
   * @param id of the registration
   * @param datagrams whether it may have datagram sockets: by its word, or a program saw one
   */
  record Entry(
      int pid,
      ProcessIdentity process,
      String group,
      InetAddress identity,
      int id,
      int uid,
      int netns,
      PortRanges ports,
      PortRanges publish,
      boolean datagrams) {
    boolean hasIdentity() {
      return !identity.isAnyLocalAddress();
    }

    private Entry withDatagrams() {
      return new Entry(pid, process, group, identity, id, uid, netns, ports, publish, true);
    }
  }

  GroupMembers(BpfMap map, BpfMap filter) {
    this.map = map;
    this.filter = filter;
  }

  synchronized void put(Entry entry) throws NativeException {
    ByteBuffer value = map.newValue();
    value.putLong(Member.START_BOOTTIME_NS, entry.process.startNanos());
    value.putLong(Member.EXEC_ID, entry.process.execId());
    value.put(Member.GROUP, name(entry.group));
    value.put(Member.IDENTITY, Net.mapped(entry.identity));
    value.putInt(Member.ID, entry.id);
    value.putInt(Member.UID, entry.uid);
    value.putInt(Member.NETNS_INUM, entry.netns);
    value.putShort(Member.PORT_RANGES, put(value, Member.PORTS, entry.ports));
    value.putShort(Member.PUBLISH_RANGES, put(value, Member.PUBLISH, entry.publish));
    value.putInt(Member.FLAGS, entry.datagrams ? PortLayouts.UP_M_DATAGRAMS : 0);
    // First: a member that the filter did not let through would not be one.
    writeFilter(entry);
    map.update(key(entry.pid), value, BpfMap.ANY);
  }

  /** Lets through who is a member, and one more. */
  private void writeFilter(Entry more) throws NativeException {
    ByteBuffer value = filter.newValue();
    letThrough(value, more);
    for (Entry entry : all()) {
      letThrough(value, entry);
    }
    filter.update(filter.newKey(), value, BpfMap.ANY);
  }

  private static void letThrough(ByteBuffer value, Entry entry) {
    int at = entry.pid & (PortLayouts.UP_FILTER - 1);
    int flags =
        PortLayouts.UP_MAY_BE_MEMBER | (entry.hasIdentity() ? PortLayouts.UP_MAY_HAVE_IDENTITY : 0);
    value.put(at, (byte) (value.get(at) | flags));
  }

  /** Null if the process is no member. */
  Entry get(int pid) throws NativeException {
    ByteBuffer value = map.newValue();
    return map.lookup(key(pid), value) ? entry(pid, value) : null;
  }

  synchronized void remove(int pid) throws NativeException {
    map.delete(key(pid));
    ByteBuffer key = map.newKey();
    // Who is through one time too often pays a look-up: with members left, the next join is soon
    // enough.
    if (!map.nextKey(null, key)) {
      filter.update(filter.newKey(), filter.newValue(), BpfMap.ANY);
    }
  }

  /** Whether a process is a member by this registration. */
  synchronized boolean isMember(int pid, int id) throws NativeException {
    Entry entry = get(pid);
    return entry != null && entry.id == id;
  }

  /** Ends one registration's membership; false if there is none. */
  synchronized boolean remove(int pid, int id) throws NativeException {
    if (!isMember(pid, id)) {
      return false;
    }
    remove(pid);
    return true;
  }

  /** Notes that it may have datagram sockets. */
  synchronized void setDatagrams(int pid, int id) throws NativeException {
    if (isMember(pid, id)) {
      put(get(pid).withDatagrams());
    }
  }

  synchronized List<Entry> all() throws NativeException {
    List<Entry> all = new ArrayList<>();
    ByteBuffer key = map.newKey();
    for (boolean more = map.nextKey(null, key); more; more = map.nextKey(key, key)) {
      Entry entry = get(key.getInt(0));
      if (entry != null) {
        all.add(entry);
      }
    }
    return all;
  }

  private static Entry entry(int pid, ByteBuffer value) {
    byte[] identity = new byte[16];
    value.get(Member.IDENTITY, identity);
    return new Entry(
        pid,
        new ProcessIdentity(value.getLong(Member.START_BOOTTIME_NS), value.getLong(Member.EXEC_ID)),
        name(value, Member.GROUP),
        Net.address(identity),
        value.getInt(Member.ID),
        value.getInt(Member.UID),
        value.getInt(Member.NETNS_INUM),
        ranges(value, Member.PORTS, value.getShort(Member.PORT_RANGES)),
        ranges(value, Member.PUBLISH, value.getShort(Member.PUBLISH_RANGES)),
        value.getInt(Member.FLAGS) != 0);
  }

  /** The group's name at an offset, without the zeros after it. */
  static String name(ByteBuffer from, int at) {
    byte[] bytes = new byte[PortLayouts.UP_GROUP_NAME];
    from.get(at, bytes);
    return new String(bytes, StandardCharsets.US_ASCII).replace("\0", "");
  }

  private static byte[] name(String group) {
    byte[] bytes = new byte[PortLayouts.UP_GROUP_NAME];
    byte[] text = group.getBytes(StandardCharsets.US_ASCII);
    System.arraycopy(text, 0, bytes, 0, text.length);
    return bytes;
  }

  private static short put(ByteBuffer value, int at, PortRanges ports) {
    int to = at;
    for (PortRanges.Range range : ports.ranges()) {
      value.putShort(to + Range.FROM, (short) range.from());
      value.putShort(to + Range.TO, (short) range.to());
      to += Range.SIZE;
    }
    return (short) ports.ranges().size();
  }

  private static PortRanges ranges(ByteBuffer value, int at, int count) {
    List<PortRanges.Range> ranges = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      int from = value.getShort(at + i * Range.SIZE + Range.FROM) & 0xffff;
      int to = value.getShort(at + i * Range.SIZE + Range.TO) & 0xffff;
      ranges.add(new PortRanges.Range(from, to));
    }
    return new PortRanges("", ranges);
  }

  private ByteBuffer key(int pid) {
    return map.newKey().putInt(0, pid);
  }
}
