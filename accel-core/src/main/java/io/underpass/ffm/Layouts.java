/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.ffm;

/**
 * The layouts of {@code bpf/underpass.h} as the Java side sees them: offsets in bytes, sizes, and
 * the numbers that both sides use. All values are little-endian; a test compares each of them with
 * the header and with the BTF of the compiled object. Structs that only the programs use are left
 * out.
 */
public final class Layouts {
  /** How many registrations there can be. */
  public static final int UP_MAX_JVMS = 1024;

  /** Of how many users there can be registrations. */
  public static final int UP_MAX_USERS = 1024;

  /** How many cgroups can be hooked. */
  public static final int UP_MAX_CGROUPS = 4096;

  /** How many rules there can be. */
  public static final int UP_MAX_RULES = 64;

  /** {@code enum up_decision}. */
  public static final int UP_DECIDE_AUTO = 0;

  public static final int UP_DECIDE_PLAIN = 1;
  public static final int UP_DECIDE_REDIRECT = 2;

  private Layouts() {}

  /**
   * {@code struct up_jvm}, a registration; its key is the tgid.
   *
   * <pre>
   *  0 | start_boottime_ns, exec_id, domains | u64 each
   * 24 | id, slot, former                    | u32 each
   * 36 | uid, pidns_inum, userns_inum        | u32 each
   * </pre>
   */
  public static final class Jvm {
    public static final int START_BOOTTIME_NS = 0;
    public static final int EXEC_ID = 8;
    public static final int DOMAINS = 16;
    public static final int ID = 24;
    public static final int SLOT = 28;
    public static final int FORMER = 32;
    public static final int UID = 36;
    public static final int PIDNS_INUM = 40;
    public static final int USERNS_INUM = 44;
    public static final int SIZE = 48;

    private Jvm() {}
  }

  /**
   * {@code struct up_user}, what the sockets of a user take of the tables; its key is the uid.
   *
   * <pre>
   * 0 | sockets, enrolled, messages, refused | u64 each
   * </pre>
   */
  public static final class User {
    public static final int SOCKETS = 0;
    public static final int ENROLLED = 8;
    public static final int MESSAGES = 16;
    public static final int REFUSED = 24;
    public static final int SIZE = 32;

    private User() {}
  }

  /**
   * {@code struct up_totals}, of one registration on one processor.
   *
   * <pre>
   *  0 | tx                      | struct up_counters
   * 40 | connections_accelerated | u64
   * 48 | connections_plain       | u64[19], by reason
   * </pre>
   */
  public static final class Totals {
    public static final int TX = 0;
    public static final int CONNECTIONS_ACCELERATED = 40;
    public static final int CONNECTIONS_PLAIN = 48;
    public static final int SIZE = 200;

    private Totals() {}
  }

  /**
   * {@code struct up_rule}, one entry of {@code rules}; {@code low} 0 ends the list.
   *
   * <pre>
   * 0 | low      | u16, a port in host order
   * 2 | high     | u16
   * 4 | decision | u8
   * 5 | pad      | 3 bytes
   * </pre>
   */
  public static final class Rule {
    public static final int LOW = 0;
    public static final int HIGH = 2;
    public static final int DECISION = 4;
    public static final int SIZE = 8;

    private Rule() {}
  }

  /**
   * {@code struct up_control}, the one entry of {@code control}, which the helper has mapped.
   *
   * <pre>
   *  0 | paused | u32, to the programs
   *  4 | armed  | u32, set by the helper, cleared by a program
   *  8 | lost   | u32, set by a program, cleared by the helper
   * 12 | crowded | u32, likewise
   * 16 | policy | u32, the helper's own
   * 20 | pad    | u32
   * </pre>
   */
  public static final class Control {
    public static final int PAUSED = 0;
    public static final int ARMED = 4;
    public static final int LOST = 8;
    public static final int CROWDED = 12;
    public static final int POLICY = 16;
    public static final int SIZE = 24;

    private Control() {}
  }

  /**
   * {@code struct up_claiming}, whom {@code up_claim} claims for; its key is the tgid.
   *
   * <pre>
   *  0 | domains           | u64
   *  8 | id, slot          | u32 each
   * 16 | fresh, pad        | u32 each
   * </pre>
   */
  public static final class Claiming {
    public static final int DOMAINS = 0;
    public static final int ID = 8;
    public static final int SLOT = 12;
    public static final int FRESH = 16;
    public static final int SIZE = 24;

    private Claiming() {}
  }

  /**
   * {@code struct up_place}, which {@code up_places} writes for each open file of a process.
   *
   * <pre>
   *  0 | cgroup_id  | u64
   *  8 | netns_inum | u32, of a TCP socket; else 0
   * 12 | fd         | u32
   * </pre>
   */
  public static final class Place {
    public static final int CGROUP_ID = 0;
    public static final int NETNS_INUM = 8;
    public static final int FD = 12;
    public static final int SIZE = 16;

    private Place() {}
  }

  /** What {@link Caller} says of a process. */
  public static final int UP_CALLER_SAME = 0;

  public static final int UP_CALLER_CHANGED = 1;
  public static final int UP_CALLER_BUSY = 2;

  /**
   * {@code struct up_caller}, which {@code up_caller} writes for each connection of the helper's.
   *
   * <pre>
   * 0 | tgid  | u32
   * 4 | state | u32, UP_CALLER_*
   * </pre>
   */
  public static final class Caller {
    public static final int TGID = 0;
    public static final int STATE = 4;
    public static final int SIZE = 8;

    private Caller() {}
  }
}
