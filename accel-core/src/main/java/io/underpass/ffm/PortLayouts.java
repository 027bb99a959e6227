/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.ffm;

/**
 * The layouts of {@code bpf/ports.h} as the Java side sees them; what {@link Layouts} says of
 * {@code bpf/underpass.h} goes for these too. Structs that only the programs use are left out.
 */
public final class PortLayouts {
  /** Bytes of a group's name. */
  public static final int UP_GROUP_NAME = 16;

  /** Ranges in one list of ports. */
  public static final int UP_MAX_RANGES = 16;

  /** How many members all groups have together. */
  public static final int UP_MAX_GROUP_JVMS = 1024;

  /** How many addresses JVMs have together. */
  public static final int UP_MAX_IDENTITIES = 1024;

  /** Entries of the filter by tgid, one byte each. */
  public static final int UP_FILTER = 4096;

  /** What such a byte says. */
  public static final int UP_MAY_BE_MEMBER = 1;

  public static final int UP_MAY_HAVE_IDENTITY = 2;

  /** Flags of a member. */
  public static final int UP_M_DATAGRAMS = 1;

  /** Flags of an identity. */
  public static final int UP_I_ADDED = 1;

  public static final int UP_I_SOLE = 2;

  /** How many sockets one uid, and one group, may have bound. */
  public static final int UP_BOUND_BY_UID = 4096;

  public static final int UP_BOUND_BY_GROUP = 16384;

  /** Flags of a bound socket. */
  public static final int UP_B_PRIVATE = 4;

  public static final int UP_B_PUBLISHED = 8;

  private PortLayouts() {}

  /**
   * {@code struct up_range}.
   *
   * <pre>
   * 0 | from | u16
   * 2 | to   | u16, inclusive
   * </pre>
   */
  public static final class Range {
    public static final int FROM = 0;
    public static final int TO = 2;
    public static final int SIZE = 4;

    private Range() {}
  }

  /**
   * {@code struct up_member}, a JVM in a group; its key is the tgid.
   *
   * <pre>
   *   0 | start_boottime_ns | u64
   *   8 | exec_id           | u64, 0 if it is not known
   *  16 | group             | 16 bytes
   *  32 | identity          | 16 bytes, network order, v4-mapped for IPv4
   *  48 | id                | u32
   *  52 | uid               | u32
   *  56 | netns_inum        | u32
   *  60 | port_ranges       | u16
   *  62 | publish_ranges    | u16
   *  64 | ports             | struct up_range[16]
   * 128 | publish           | struct up_range[16]
   * 192 | flags             | u32
   * 196 | pad               | 4 bytes
   * </pre>
   */
  public static final class Member {
    public static final int START_BOOTTIME_NS = 0;
    public static final int EXEC_ID = 8;
    public static final int GROUP = 16;
    public static final int IDENTITY = 32;
    public static final int ID = 48;
    public static final int UID = 52;
    public static final int NETNS_INUM = 56;
    public static final int PORT_RANGES = 60;
    public static final int PUBLISH_RANGES = 62;
    public static final int PORTS = 64;
    public static final int PUBLISH = 128;
    public static final int FLAGS = 192;
    public static final int SIZE = 200;

    private Member() {}
  }

  /**
   * {@code struct up_vport}, a virtual port.
   *
   * <pre>
   *  0 | group      | 16 bytes
   * 16 | netns_inum | u32
   * 20 | port       | u16
   * 22 | protocol   | u8
   * 23 | pad        | 1 byte
   * </pre>
   */
  public static final class Vport {
    public static final int GROUP = 0;
    public static final int NETNS_INUM = 16;
    public static final int PORT = 20;
    public static final int PROTOCOL = 22;
    public static final int SIZE = 24;

    private Vport() {}
  }

  /**
   * {@code struct up_local}, an address of this host.
   *
   * <pre>
   * 0 | netns_inum | u32
   * 4 | addr       | 16 bytes, as an identity
   * </pre>
   */
  public static final class Local {
    public static final int NETNS_INUM = 0;
    public static final int ADDR = 4;
    public static final int SIZE = 20;

    private Local() {}
  }

  /**
   * {@code struct up_identity}; its key is the address.
   *
   * <pre>
   *  0 | tgid       | u32
   *  4 | uid        | u32
   *  8 | netns_inum | u32
   * 12 | flags      | u32, UP_I_*
   * </pre>
   */
  public static final class Identity {
    public static final int TGID = 0;
    public static final int UID = 4;
    public static final int NETNS_INUM = 8;
    public static final int FLAGS = 12;
    public static final int SIZE = 16;

    private Identity() {}
  }

  /**
   * {@code struct up_holder}: a uid, where the group is empty, else a group.
   *
   * <pre>
   *  0 | group | 16 bytes
   * 16 | uid   | u32
   * 20 | pad   | 4 bytes
   * </pre>
   */
  public static final class Holder {
    public static final int GROUP = 0;
    public static final int UID = 16;
    public static final int SIZE = 24;

    private Holder() {}
  }

  /**
   * {@code struct up_share}, what a holder has.
   *
   * <pre>
   * 0 | bound   | s32, sockets
   * 4 | refused | u32, how many there was no room for
   * </pre>
   */
  public static final class Share {
    public static final int BOUND = 0;
    public static final int REFUSED = 4;
    public static final int SIZE = 8;

    private Share() {}
  }

  /**
   * {@code struct up_bound}, a socket that is bound to a virtual port; its key is the socket's
   * cookie, a u64.
   *
   * <pre>
   *  0 | key      | struct up_vport
   * 24 | addr     | 16 bytes, as bound; zero for the wildcard
   * 40 | since_ns | u64, CLOCK_MONOTONIC
   * 48 | tgid     | u32
   * 52 | uid      | u32
   * 56 | real     | u16
   * 58 | flags    | u8
   * 59 | pad      | 5 bytes
   * </pre>
   */
  public static final class Bound {
    public static final int KEY = 0;
    public static final int ADDR = 24;
    public static final int SINCE_NS = 40;
    public static final int TGID = 48;
    public static final int UID = 52;
    public static final int REAL = 56;
    public static final int FLAGS = 58;
    public static final int SIZE = 64;

    private Bound() {}
  }
}
