/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.ffm;

/**
 * The layouts of a flow's record, and of what the programs show of it: visits and rows. What {@link
 * Layouts} says of {@code bpf/underpass.h} goes for these too.
 */
public final class FlowLayouts {
  /** {@code enum up_state}. */
  public static final int UP_NEW = 0;

  public static final int UP_PAIRED = 1;
  public static final int UP_WANTED = 2;
  public static final int UP_ENROLLED = 3;
  public static final int UP_READY = 4;
  public static final int UP_PLAIN = 5;
  public static final int UP_LEAVING = 6;

  /** Of {@code up_sock.flags}: judging it makes sense. */
  public static final int UP_F_JUDGEABLE = 8;

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

  private FlowLayouts() {}

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
   *   0 | peer_id, peer_sk, sk, pressure                | u64 each, of visits
   *  32 | prot, judge_at                                | u64 each
   *  48 | state, owner_slot                             | u32 each
   *  56 | pinned                                        | u8, of an option program
   *  57 | tx, reader_passed, queued                     | u8 each, of the verdict
   *  60 | looked_at                                     | u32
   *  64 | tx_counters                                   | struct up_counters
   * 104 | written, average_size, largest, contended     | u32 each
   * 120 | redirects_since_ns                            | u64
   * 128 | kept_alive                                    | u32
   * 132 | room_enrolment, window_clamp                  | u32 each, of option programs
   * 140 | notified, introducing                         | u32 each, of any program
   * 148 | owner_id, owner_tgid                          | u32 each, of claimers
   * 156 | claimed                                       | u8
   * 157 | repaired                                      | u8, of an option program
   * 158 | flags, rule                                   | u8 each, of visits
   * 160 | id, born_ns, looking_since_ns, enrolled_ns    | u64 each
   * 192 | published, judged_messages, peer_judged       | u64 each
   * 216 | judged_failed, judged_bytes, busy_since_ns    | u64 each
   * 240 | isn_mine, isn_theirs, enrolments              | u32 each
   * 252 | copied_at_enrolment, peer_copied_at_enrolment | u32 each
   * 260 | peer_enrolments, segments_in, segments_out    | u32 each
   * 272 | judged_contended                              | u32
   * 276 | trials, idle_visits, reason, peer_share       | u8 each
   * </pre>
   */
  public static final class Sock {
    public static final int PEER_ID = 0;
    public static final int PEER_SK = 8;
    public static final int SK = 16;
    public static final int PRESSURE = 24;
    public static final int PROT = 32;
    public static final int JUDGE_AT = 40;
    public static final int STATE = 48;
    public static final int OWNER_SLOT = 52;
    public static final int PINNED = 56;
    public static final int TX = 57;
    public static final int READER_PASSED = 58;
    public static final int QUEUED = 59;
    public static final int LOOKED_AT = 60;
    public static final int TX_COUNTERS = 64;
    public static final int WRITTEN = 104;
    public static final int AVERAGE_SIZE = 108;
    public static final int LARGEST = 112;
    public static final int CONTENDED = 116;
    public static final int REDIRECTS_SINCE_NS = 120;
    public static final int KEPT_ALIVE = 128;
    public static final int ROOM_ENROLMENT = 132;
    public static final int WINDOW_CLAMP = 136;
    public static final int NOTIFIED = 140;
    public static final int INTRODUCING = 144;
    public static final int OWNER_ID = 148;
    public static final int OWNER_TGID = 152;
    public static final int CLAIMED = 156;
    public static final int REPAIRED = 157;
    public static final int FLAGS = 158;
    public static final int RULE = 159;
    public static final int ID = 160;
    public static final int BORN_NS = 168;
    public static final int LOOKING_SINCE_NS = 176;
    public static final int ENROLLED_NS = 184;
    public static final int PUBLISHED = 192;
    public static final int JUDGED_MESSAGES = 200;
    public static final int PEER_JUDGED = 208;
    public static final int JUDGED_FAILED = 216;
    public static final int JUDGED_BYTES = 224;
    public static final int BUSY_SINCE_NS = 232;
    public static final int ISN_MINE = 240;
    public static final int ISN_THEIRS = 244;
    public static final int ENROLMENTS = 248;
    public static final int COPIED_AT_ENROLMENT = 252;
    public static final int PEER_COPIED_AT_ENROLMENT = 256;
    public static final int PEER_ENROLMENTS = 260;
    public static final int SEGMENTS_IN = 264;
    public static final int SEGMENTS_OUT = 268;
    public static final int JUDGED_CONTENDED = 272;
    public static final int TRIALS = 276;
    public static final int IDLE_VISITS = 277;
    public static final int REASON = 278;
    public static final int PEER_SHARE = 279;
    public static final int SIZE = 280;

    private Sock() {}
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
   *  92 | state, reason, host_owned, has_room                 | u8 each
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
    public static final int HAS_ROOM = 95;
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
