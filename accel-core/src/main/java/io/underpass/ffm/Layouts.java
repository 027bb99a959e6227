package io.underpass.ffm;

/**
 * The layouts of {@code bpf/underpass.h} as the Java side sees them: offsets in bytes, sizes, and
 * the numbers that both sides use. All values are little-endian; a test compares each of them with
 * the header and with the BTF of the compiled object. Structs that only the programs use are left
 * out.
 */
public final class Layouts {
  /** Changes with every struct that lives in a pinned map; part of the pin folder's name. */
  public static final int UP_ABI = 7;

  /** Level of the socket options that a process asks of its own sockets. */
  public static final int UP_SOL = 0x7570;

  /** Of that level: no acceleration of this socket. */
  public static final int UP_OPT_PIN_TCP = 1;

  /** Of that level: bytes that can be read at once. */
  public static final int UP_OPT_AVAILABLE = 2;

  /** Of that level: this socket is worth a record. */
  public static final int UP_OPT_JOIN = 5;

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

  /** {@code enum up_state}. */
  public static final int UP_NEW = 0;

  public static final int UP_PAIRED = 1;
  public static final int UP_WANTED = 2;
  public static final int UP_ENROLLED = 3;
  public static final int UP_READY = 4;
  public static final int UP_PLAIN = 5;
  public static final int UP_LEAVING = 6;

  /** Of {@code up_sock.flags}: it can be judged. */
  public static final int UP_F_JUDGED = 8;

  /** How many sockets one run of {@code up_visit} looks at, and one of {@code up_dump}. */
  public static final int UP_MAX_VISITS = 256;

  public static final int UP_MAX_ROWS = 256;

  /** {@code enum up_outcome}, of a visit or a row. */
  public static final int UP_VISIT_NONE = 0;

  public static final int UP_VISIT_GONE = 1;
  public static final int UP_VISIT_ELSEWHERE = 2;
  public static final int UP_VISIT_DONE = 3;
  public static final int UP_VISIT_LEAVES = 4;

  /** What a run of {@code up_visit} does. */
  public static final int UP_MODE_STEP = 0;

  public static final int UP_MODE_TAKE_OFF = 1;

  private Layouts() {}

  /**
   * {@code struct up_counters}, of one direction.
   *
   * <pre>
   *  0 | redirected_bytes      | u64
   *  8 | redirected_messages   | u64
   * 16 | passed_bytes          | u64
   * 24 | passed_messages       | u64
   * 32 | switches              | u64
   * </pre>
   */
  public static final class Counters {
    public static final int REDIRECTED_BYTES = 0;
    public static final int REDIRECTED_MESSAGES = 8;
    public static final int PASSED_BYTES = 16;
    public static final int PASSED_MESSAGES = 24;
    public static final int SWITCHES = 32;
    public static final int SIZE = 40;

    private Counters() {}
  }

  /**
   * {@code struct up_sock}, a socket's flow record; addresses of the kernel are 0 outside of it.
   *
   * <pre>
   *   0 | peer_id, peer_sk, sk, pressure                   | u64 each
   *  32 | state, written, average_size, owner_slot         | u32 each
   *  48 | tx, pinned, seen, queued                         | u8 each
   *  52 | looked_at                                        | u32
   *  56 | tx_counters                                      | struct up_counters
   *  96 | judge_at, prot                                   | u64 each
   * 112 | largest, contended                               | u32 each
   * 120 | id, born_ns, since_ns, enrolled_ns               | u64 each
   * 152 | published, judged, peer_judged, judged_failed    | u64 each
   * 184 | judged_bytes, redirects_since_ns, busy_since_ns  | u64 each
   * 208 | isn_mine, isn_theirs, owner_id, owner_tgid       | u32 each
   * 224 | enrolments                                       | u32
   * 228 | copied_at_enrolment, peer_copied_at_enrolment    | u32 each
   * 236 | segments_in, segments_out, window_clamp          | u32 each
   * 248 | judged_contended, room                           | u32 each
   * 256 | peer_enrolments, named, introducing, kept_alive  | u32 each
   * 272 | flags, repaired, rule, trials                    | u8 each
   * 276 | asked, waits, reason, peer_share                 | u8 each
   * </pre>
   */
  public static final class Sock {
    public static final int PEER_ID = 0;
    public static final int PEER_SK = 8;
    public static final int SK = 16;
    public static final int PRESSURE = 24;
    public static final int STATE = 32;
    public static final int WRITTEN = 36;
    public static final int AVERAGE_SIZE = 40;
    public static final int OWNER_SLOT = 44;
    public static final int TX = 48;
    public static final int PINNED = 49;
    public static final int SEEN = 50;
    public static final int QUEUED = 51;
    public static final int LOOKED_AT = 52;
    public static final int TX_COUNTERS = 56;
    public static final int JUDGE_AT = 96;
    public static final int PROT = 104;
    public static final int LARGEST = 112;
    public static final int CONTENDED = 116;
    public static final int ID = 120;
    public static final int BORN_NS = 128;
    public static final int SINCE_NS = 136;
    public static final int ENROLLED_NS = 144;
    public static final int PUBLISHED = 152;
    public static final int JUDGED = 160;
    public static final int PEER_JUDGED = 168;
    public static final int JUDGED_FAILED = 176;
    public static final int JUDGED_BYTES = 184;
    public static final int REDIRECTS_SINCE_NS = 192;
    public static final int BUSY_SINCE_NS = 200;
    public static final int ISN_MINE = 208;
    public static final int ISN_THEIRS = 212;
    public static final int OWNER_ID = 216;
    public static final int OWNER_TGID = 220;
    public static final int ENROLMENTS = 224;
    public static final int COPIED_AT_ENROLMENT = 228;
    public static final int PEER_COPIED_AT_ENROLMENT = 232;
    public static final int SEGMENTS_IN = 236;
    public static final int SEGMENTS_OUT = 240;
    public static final int WINDOW_CLAMP = 244;
    public static final int JUDGED_CONTENDED = 248;
    public static final int ROOM = 252;
    public static final int PEER_ENROLMENTS = 256;
    public static final int NAMED = 260;
    public static final int INTRODUCING = 264;
    public static final int KEPT_ALIVE = 268;
    public static final int FLAGS = 272;
    public static final int REPAIRED = 273;
    public static final int RULE = 274;
    public static final int TRIALS = 275;
    public static final int ASKED = 276;
    public static final int WAITS = 277;
    public static final int REASON = 278;
    public static final int PEER_SHARE = 279;
    public static final int SIZE = 280;

    private Sock() {}
  }

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
   * 48 | connections_plain       | u64[17], by reason
   * </pre>
   */
  public static final class Totals {
    public static final int TX = 0;
    public static final int CONNECTIONS_ACCELERATED = 40;
    public static final int CONNECTIONS_PLAIN = 48;
    public static final int SIZE = 184;

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

  /**
   * {@code struct up_visit}, a socket that a run of {@code up_visit} looks at.
   *
   * <pre>
   *  0 | id, peer_id, again_ns          | u64 each
   * 24 | netns_inum, owner_tgid         | u32 each
   * 32 | outcome, moved, nudge, state   | u8 each
   * 36 | bound_dev_if, owner_id, pad    | u32 each
   * </pre>
   */
  public static final class Visit {
    public static final int ID = 0;
    public static final int PEER_ID = 8;
    public static final int AGAIN_NS = 16;
    public static final int NETNS_INUM = 24;
    public static final int OWNER_TGID = 28;
    public static final int OUTCOME = 32;
    public static final int MOVED = 33;
    public static final int NUDGE = 34;
    public static final int STATE = 35;
    public static final int BOUND_DEV_IF = 36;
    public static final int OWNER_ID = 40;
    public static final int SIZE = 48;

    private Visit() {}
  }

  /**
   * {@code struct up_half}, an entry of {@code halves}; its key is the socket's id.
   *
   * <pre>
   *   0 | sk, peer_id, messages, cgroup_id                   | u64 each
   *  32 | tuple                                              | struct up_tuple
   *  68 | netns_inum                                         | u32
   *  72 | isn                                                | 8 bytes
   *  80 | owner_id, owner_tgid, copied_at_enrolment          | u32 each
   *  92 | state, reason, host_owned, room                    | u8 each
   *  96 | bound_dev_if, enrolments                           | u32 each
   * 104 | claimed_inode                                      | u64
   * 112 | uid, messages_share                                | u32 each
   * </pre>
   */
  public static final class Half {
    public static final int SK = 0;
    public static final int PEER_ID = 8;
    public static final int MESSAGES = 16;
    public static final int CGROUP_ID = 24;
    public static final int TUPLE = 32;
    public static final int NETNS_INUM = 68;
    public static final int ISN = 72;
    public static final int OWNER_ID = 80;
    public static final int OWNER_TGID = 84;
    public static final int COPIED_AT_ENROLMENT = 88;
    public static final int STATE = 92;
    public static final int REASON = 93;
    public static final int HOST_OWNED = 94;
    public static final int ROOM = 95;
    public static final int BOUND_DEV_IF = 96;
    public static final int ENROLMENTS = 100;
    public static final int CLAIMED_INODE = 104;
    public static final int UID = 112;
    public static final int MESSAGES_SHARE = 116;
    public static final int SIZE = 120;

    private Half() {}
  }

  /**
   * {@code struct up_tuple}, the two ends of a connection.
   *
   * <pre>
   *  0 | local_addr  | 16 bytes, network order, v4-mapped for IPv4
   * 16 | remote_addr | 16 bytes, likewise
   * 32 | local_port  | u16
   * 34 | remote_port | u16
   * </pre>
   */
  public static final class Tuple {
    public static final int LOCAL_ADDR = 0;
    public static final int REMOTE_ADDR = 16;
    public static final int LOCAL_PORT = 32;
    public static final int REMOTE_PORT = 34;
    public static final int SIZE = 36;

    private Tuple() {}
  }

  /**
   * {@code struct up_flow}, a row that {@code up_dump} fills.
   *
   * <pre>
   *   0 | record              | struct up_sock
   * 280 | tuple               | struct up_tuple
   * 316 | queued              | u32
   * 320 | netns_inum, bound_dev_if, outcome, pad | u32 each
   * 336 | tcp_bytes_sent      | u64
   * 344 | tcp_bytes_received  | u64
   * 352 | age_ns              | u64
   * </pre>
   */
  public static final class Flow {
    public static final int RECORD = 0;
    public static final int TUPLE = 280;
    public static final int QUEUED = 316;
    public static final int NETNS_INUM = 320;
    public static final int BOUND_DEV_IF = 324;
    public static final int OUTCOME = 328;
    public static final int TCP_BYTES_SENT = 336;
    public static final int TCP_BYTES_RECEIVED = 344;
    public static final int AGE_NS = 352;
    public static final int SIZE = 360;

    private Flow() {}
  }
}
