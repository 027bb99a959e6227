/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.ffm;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.LinkedHashSet;
import java.util.Set;

/**
 * Asks the kernel for the addresses of a network namespace, and changes them: rtnetlink(7). The
 * namespace is that of the thread that opened it. One thread at a time.
 *
 * <p>The kernel has its answer ready when a request has been written, so nothing here waits for
 * anybody but the kernel's own lock of routes.
 */
public final class RouteSocket implements AutoCloseable {
  private static final int AF_INET = 2;
  private static final int AF_INET6 = 10;
  private static final int AF_NETLINK = 16;
  private static final int SOCK_RAW = 3;
  private static final int SOCK_NONBLOCK = 0x800;
  private static final int SOCK_CLOEXEC = 0x80000;
  private static final int NETLINK_ROUTE = 0;

  /** Has the kernel look at the header of a dump's request, and leave out what it does not ask. */
  private static final int SOL_NETLINK = 270;

  private static final int NETLINK_GET_STRICT_CHK = 12;

  /** Of linux/netlink.h. */
  private static final int NLMSG_ERROR = 2;

  private static final int NLMSG_DONE = 3;
  private static final int REQUEST = 1;
  private static final int ACK = 4;
  private static final int EXCLUSIVE = 0x200;
  private static final int DUMP = 0x300;
  private static final int CREATE = 0x400;

  /** Of linux/rtnetlink.h and linux/if_addr.h. */
  private static final int RTM_NEWADDR = 20;

  private static final int RTM_DELADDR = 21;
  private static final int RTM_NEWROUTE = 24;
  private static final int RTM_GETROUTE = 26;
  private static final byte TABLE_LOCAL = (byte) 255;
  private static final byte RTN_LOCAL = 2;
  private static final int RTA_DST = 1;
  private static final int IFA_ADDRESS = 1;
  private static final int IFA_LOCAL = 2;
  private static final byte IFA_F_NODAD = 2; // usable at once

  /** struct nlmsghdr, rtmsg, ifaddrmsg and rtattr. */
  private static final int HEADER = 16;

  private static final int ROUTE = 12;
  private static final int ADDRESS = 8;
  private static final int ATTRIBUTE = 4;

  /** {@code lo} has this number in every namespace (LOOPBACK_IFINDEX). */
  private static final int LOOPBACK = 1;

  /** The kernel gives no more of a dump at a time (netlink_dump). */
  private static final int BUFFER_BYTES = 1 << 15;

  private final Arena arena = Arena.ofConfined();
  private final MemorySegment capture = arena.allocate(Symbols.CAPTURE);
  private final MemorySegment buffer = arena.allocate(BUFFER_BYTES, 8);
  private final ByteBuffer bytes = buffer.asByteBuffer().order(ByteOrder.nativeOrder());
  private final int fd;

  private RouteSocket(int fd) {
    this.fd = fd;
  }

  /** In the namespace that the calling thread is in. */
  public static RouteSocket open() throws NativeException {
    RouteSocket socket =
        new RouteSocket(
            LibC.socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, NETLINK_ROUTE));
    int result =
        ChannelCalls.setOption(
            socket.fd,
            SOL_NETLINK,
            NETLINK_GET_STRICT_CHK,
            ByteBuffer.allocate(Integer.BYTES).order(ByteOrder.nativeOrder()).putInt(1).array());
    if (result < 0) {
      socket.close();
      throw new NativeException("setsockopt NETLINK_GET_STRICT_CHK", -result);
    }
    return socket;
  }

  /**
   * The addresses for which what arrives is this host's: of the table {@code local}.
   *
   * @param limit of that table, so many routes are looked at; there may be more
   */
  public Set<InetAddress> localAddresses(int limit) throws NativeException {
    Set<InetAddress> addresses = new LinkedHashSet<>();
    int left = limit;
    for (int family : new int[] {AF_INET, AF_INET6}) {
      left = dump(family, left, addresses);
      if (left == 0) {
        break; // the rest of a dump may still come
      }
    }
    return addresses;
  }

  /** Returns how many routes may still be looked at. */
  private int dump(int family, int limit, Set<InetAddress> addresses) throws NativeException {
    begin(RTM_GETROUTE, REQUEST | DUMP);
    bytes.put((byte) family).put((byte) 0).put((byte) 0).put((byte) 0);
    bytes.put(TABLE_LOCAL).put((byte) 0).put((byte) 0).put(RTN_LOCAL).putInt(0);
    send("RTM_GETROUTE");
    int left = limit;
    while (true) {
      int end = receive("RTM_GETROUTE");
      for (int at = 0; at + HEADER <= end; at += Math.max(HEADER, aligned(bytes.getInt(at)))) {
        int type = bytes.getShort(at + 4);
        if (type == NLMSG_DONE || type == NLMSG_ERROR) {
          int error = -bytes.getInt(at + HEADER);
          // Without IPv6, or with no route at all, there is no such table.
          if (error != 0 && error != Errno.ENOENT && error != Errno.EOPNOTSUPP) {
            throw new NativeException("RTM_GETROUTE", error);
          }
          return left;
        }
        if (left == 0) {
          return 0;
        }
        left--;
        if (type == RTM_NEWROUTE) {
          addAddress(at, addresses);
        }
      }
    }
  }

  /** Takes the address of a route, if it is to one alone. */
  private void addAddress(int message, Set<InetAddress> addresses) {
    int route = message + HEADER;
    int length = bytes.get(route) == AF_INET ? 4 : 16;
    if ((bytes.get(route + 1) & 0xff) != length * Byte.SIZE || bytes.get(route + 7) != RTN_LOCAL) {
      return;
    }
    int end = message + bytes.getInt(message);
    for (int at = route + ROUTE;
        at + ATTRIBUTE + length <= end;
        at += Math.max(ATTRIBUTE, aligned(bytes.getShort(at)))) {
      if (bytes.getShort(at + 2) == RTA_DST) {
        byte[] address = new byte[length];
        bytes.get(at + ATTRIBUTE, address);
        addresses.add(address(address));
        return;
      }
    }
  }

  private static InetAddress address(byte[] bytes) {
    try {
      return InetAddress.getByAddress(bytes);
    } catch (UnknownHostException e) {
      throw new AssertionError("4 or 16 bytes are an address", e);
    }
  }

  /** Adds an address to the loopback device; EEXIST if it has it. */
  public void add(InetAddress address) throws NativeException {
    change(RTM_NEWADDR, CREATE | EXCLUSIVE, address);
  }

  /** Takes it off; EADDRNOTAVAIL if it has no such address. */
  public void remove(InetAddress address) throws NativeException {
    change(RTM_DELADDR, 0, address);
  }

  private void change(int type, int flags, InetAddress address) throws NativeException {
    byte[] raw = address.getAddress();
    boolean v4 = raw.length == 4;
    begin(type, REQUEST | ACK | flags);
    bytes.put((byte) (v4 ? AF_INET : AF_INET6)).put((byte) (raw.length * Byte.SIZE));
    bytes.put(v4 ? 0 : IFA_F_NODAD).put((byte) 0).putInt(LOOPBACK);
    for (int attribute : new int[] {IFA_LOCAL, IFA_ADDRESS}) {
      bytes.putShort((short) (ATTRIBUTE + raw.length)).putShort((short) attribute).put(raw);
    }
    String call = type == RTM_NEWADDR ? "RTM_NEWADDR" : "RTM_DELADDR";
    send(call);
    int end = receive(call);
    int error = end >= HEADER + ADDRESS ? -bytes.getInt(HEADER) : Errno.EINVAL;
    if (error != 0) {
      throw new NativeException(call + " " + address.getHostAddress(), error);
    }
  }

  private void begin(int type, int flags) {
    bytes.clear();
    bytes.putInt(0).putShort((short) type).putShort((short) flags).putInt(0).putInt(0);
  }

  private void send(String call) throws NativeException {
    bytes.putInt(0, bytes.position());
    long sent = LibC.write(fd, buffer, bytes.position(), capture);
    if (sent < 0) {
      throw new NativeException(call, (int) -sent);
    }
  }

  /** Returns how many bytes of whole messages have come. */
  private int receive(String call) throws NativeException {
    long read;
    do {
      read = LibC.read(fd, buffer, BUFFER_BYTES, capture);
    } while (read == -Errno.EINTR);
    if (read < HEADER) {
      throw new NativeException(call, read < 0 ? (int) -read : Errno.EINVAL);
    }
    return (int) read;
  }

  /** Messages and attributes begin at multiples of four. */
  private static int aligned(int length) {
    return (length + 3) & ~3;
  }

  @Override
  public void close() {
    LibC.close(fd);
    arena.close();
  }
}
