package io.underpass.ffm;

/**
 * The layouts of {@code bpf/underpass.h} as the Java side sees them: offsets in bytes, sizes, and
 * the numbers that both sides use. All values are little-endian; a test compares each of them with
 * the header and with the BTF of the compiled object. Structs that only the programs use are left
 * out.
 */
public final class Layouts {
  /** Changes with every struct that lives in a pinned map; part of the pin folder's name. */
  public static final int UP_ABI = 4;

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

  /** Of {@code up_control.recheck}: the scan asks that the next one rechecks. */
  public static final int UP_RECHECK_NEXT = 2;

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
   *   0 | peer_cookie, peer_sk, sk, pressure               | u64 each
   *  32 | state, written, average_size, owner_slot         | u32 each
   *  48 | tx, pinned, seen, reason                         | u8 each
   *  52 | isn_mine                                         | u32
   *  56 | tx_counters                                      | struct up_counters
   *  96 | judge_at, prot                                   | u64 each
   * 112 | largest, contended                               | u32 each
   * 120 | cookie, born_ns, since_ns, enrolled_ns           | u64 each
   * 152 | published, judged, peer_judged, judged_passed    | u64 each
   * 184 | judged_bytes, busy_since_ns                      | u64 each
   * 200 | isn_theirs, owner_id, owner_tgid, generation     | u32 each
   * 216 | copied_at_enrolment, peer_copied_at_enrolment    | u32 each
   * 224 | segments_in, segments_out, window_clamp          | u32 each
   * 236 | judged_contended                                 | u32
   * 240 | flags, repaired, rule, trials, pad[4]            | u8 each
   * </pre>
   */
  public static final class Sock {
    public static final int PEER_COOKIE = 0;
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
    public static final int REASON = 51;
    public static final int ISN_MINE = 52;
    public static final int TX_COUNTERS = 56;
    public static final int JUDGE_AT = 96;
    public static final int PROT = 104;
    public static final int LARGEST = 112;
    public static final int CONTENDED = 116;
    public static final int COOKIE = 120;
    public static final int BORN_NS = 128;
    public static final int SINCE_NS = 136;
    public static final int ENROLLED_NS = 144;
    public static final int PUBLISHED = 152;
    public static final int JUDGED = 160;
    public static final int PEER_JUDGED = 168;
    public static final int JUDGED_PASSED = 176;
    public static final int JUDGED_BYTES = 184;
    public static final int BUSY_SINCE_NS = 192;
    public static final int ISN_THEIRS = 200;
    public static final int OWNER_ID = 204;
    public static final int OWNER_TGID = 208;
    public static final int GENERATION = 212;
    public static final int COPIED_AT_ENROLMENT = 216;
    public static final int PEER_COPIED_AT_ENROLMENT = 220;
    public static final int SEGMENTS_IN = 224;
    public static final int SEGMENTS_OUT = 228;
    public static final int WINDOW_CLAMP = 232;
    public static final int JUDGED_CONTENDED = 236;
    public static final int FLAGS = 240;
    public static final int REPAIRED = 241;
    public static final int RULE = 242;
    public static final int TRIALS = 243;
    public static final int SIZE = 248;

    private Sock() {}
  }

  /**
   * {@code struct up_jvm}, a registration; its key is the tgid.
   *
   * <pre>
   *  0 | start_boottime_ns | u64
   *  8 | id                | u32
   * 12 | slot              | u32
   * </pre>
   */
  public static final class Jvm {
    public static final int START_BOOTTIME_NS = 0;
    public static final int ID = 8;
    public static final int SLOT = 12;
    public static final int SIZE = 16;

    private Jvm() {}
  }

  /**
   * {@code struct up_totals}, of one registration on one processor.
   *
   * <pre>
   *  0 | tx                      | struct up_counters
   * 40 | connections_accelerated | u64
   * 48 | connections_plain       | u64[15], by reason
   * </pre>
   */
  public static final class Totals {
    public static final int TX = 0;
    public static final int CONNECTIONS_ACCELERATED = 40;
    public static final int CONNECTIONS_PLAIN = 48;
    public static final int SIZE = 168;

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
   * {@code struct up_control}, the one entry of {@code control}: u32 throughout.
   *
   * <pre>
   *  0 | paused, armed, generation                                 | to the programs
   * 12 | unsettled, pending, progress, visited, enrolled           | from the sweep
   * 32 | claim_tgid, claim_id, claim_slot, dismiss_id, recheck     | to the programs
   * </pre>
   */
  public static final class Control {
    public static final int PAUSED = 0;
    public static final int ARMED = 4;
    public static final int GENERATION = 8;
    public static final int UNSETTLED = 12;
    public static final int PENDING = 16;
    public static final int PROGRESS = 20;
    public static final int VISITED = 24;
    public static final int ENROLLED = 28;
    public static final int CLAIM_TGID = 32;
    public static final int CLAIM_ID = 36;
    public static final int CLAIM_SLOT = 40;
    public static final int DISMISS_ID = 44;
    public static final int RECHECK = 48;
    public static final int SIZE = 52;

    private Control() {}
  }

  /**
   * {@code struct up_pending}, a record that {@code up_scan} writes.
   *
   * <pre>
   *  0 | netns_inum | u32
   *  4 | owner_tgid | u32
   *  8 | state      | u32
   * 12 | pad        | u32
   * </pre>
   */
  public static final class Pending {
    public static final int NETNS_INUM = 0;
    public static final int OWNER_TGID = 4;
    public static final int STATE = 8;
    public static final int SIZE = 16;

    private Pending() {}
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
   * {@code struct up_flow}, a record that {@code up_dump} writes.
   *
   * <pre>
   *   0 | record             | struct up_sock
   * 248 | tuple              | struct up_tuple
   * 284 | queued             | u32
   * 288 | tcp_bytes_sent     | u64
   * 296 | tcp_bytes_received | u64
   * 304 | age_ns             | u64
   * </pre>
   */
  public static final class Flow {
    public static final int RECORD = 0;
    public static final int TUPLE = 248;
    public static final int QUEUED = 284;
    public static final int TCP_BYTES_SENT = 288;
    public static final int TCP_BYTES_RECEIVED = 296;
    public static final int AGE_NS = 304;
    public static final int SIZE = 312;

    private Flow() {}
  }
}
