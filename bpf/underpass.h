/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the BPF programs and the helper share: map values, rows, socket options, reasons.
 *
 * Java's view of these structs is io.underpass.ffm.Layouts; a test compares it with the BTF of the compiled object.
 * Every struct is padded by hand, so that clang and Java see the same bytes.
 *
 * The helper pins some of the maps (maps.bpf.h). The folder of the pins is named by a digest of their layouts: of each
 * struct and each enum in them, with all names and numbers. A helper with another layout therefore never reads these
 * maps. A field that gets another meaning also gets another name, because the digest sees names and no meanings.
 */
#ifndef UNDERPASS_H
#define UNDERPASS_H

#include <linux/types.h>

/*
 * Socket options that a JVM sets and gets on its own sockets ('up'). The right to act on a socket is having it.
 * Java's copy of the numbers: io.underpass.protocol.SocketOptions.
 */
#define UP_SOL 0x7570
#define UP_OPT_PIN_TCP 1    /* set, int: this socket sends by TCP from now on */
#define UP_OPT_AVAILABLE 2  /* get, int: bytes that can be read at once, of both queues; -1: the socket has no record */
#define UP_OPT_UNREAD 3     /* get, int: bytes in the psock queue */
#define UP_OPT_BEHIND 4     /* get, int: bytes that a writer of much waits for the reader to read; else 0; */
			    /* -1: not accelerated; or UP_READER_WAITS */
#define UP_READER_WAITS -2  /* the reader has read all that was redirected, and runs on another processor */
#define UP_OPT_ACCELERATE 5 /* set, int: this socket is worth a record; set again: does what needs its lock (tend) */
#define UP_OPT_ENROLLED 6   /* get, int: 1: it is enrolled; else -1 */
#define UP_OPT_RESET 7      /* get, int: 1: a reset ended the connection, perhaps without an error; else 0 */

/* Bounds. Full means: the connection runs plain, counted under the reason named. */
#define UP_MAX_JVMS 1024      /* registrations; the helper refuses one more (ERR full) */
#define UP_MAX_MEMBERS 131072 /* enrolled sockets; UP_REASON_TABLE_FULL */
#define UP_MAX_CGROUPS 4096   /* of registered processes; the helper refuses a process of one more (ERR full) */
#define UP_MAX_RULES 64       /* the helper refuses a file with more */
#define UP_MAX_FLOWS 262144   /* sockets with an id, enrolled or not; UP_REASON_TABLE_FULL */
#define UP_MAX_USERS 1024     /* of registrations; the helper refuses a process of one more (ERR full) */
#define UP_MAX_VISITS 256     /* sockets in one run of up_visit, which holds up its processor's softirqs meanwhile */
#define UP_MAX_ROWS 256       /* the same of up_dump */

/* Why a connection runs plain. io.underpass.Reason has the same names and numbers; UP_REASON_MAX sizes up_totals. */
enum up_reason : __u8 {
	UP_REASON_NONE = 0,
	UP_REASON_UNDECIDED = 1,    /* too young, or too quiet, to tell */
	UP_REASON_NO_PEER = 2,      /* no other end answered: it is not on this host, or not registered */
	UP_REASON_ONE_WAY = 3,      /* traffic of a kind that would lose */
	UP_REASON_PINNED = 4,       /* the application asked, or sends urgent data */
	UP_REASON_TABLE_FULL = 5,   /* `members`, `halves` or `handshakes` is full */
	UP_REASON_SOCKMAP_BUSY = 6, /* EBUSY: another sockmap owns the socket */
	UP_REASON_ULP = 7,          /* EINVAL: an upper-layer protocol, such as kernel TLS */
	UP_REASON_UNSUPPORTED = 8,  /* MPTCP, or a state that a sockmap does not take */
	UP_REASON_PAUSED = 9,       /* the helper is stopping */
	UP_REASON_NO_RECORD = 10,   /* no memory for the socket's record */
	UP_REASON_FAILED = 11,      /* any other errno at enrolment */
	UP_REASON_BEHIND = 12,      /* its reader does not keep up, so most of it goes by TCP in any case */
	UP_REASON_RULE = 13,        /* a rule says so; also set on an accelerated flow that a rule keeps */
	UP_REASON_CONTENDED = 14,   /* bursts that wait for a reading reader longer than they gain */
	UP_REASON_UNTRUSTED = 15,   /* its two processes are different users', and no policy line joins them */
	UP_REASON_QUOTA = 16,       /* its user has as many sockets in the tables as one user may have */
	UP_REASON_NOT_HOOKED = 17,  /* our programs are not attached to the cgroup in which it was made */
	UP_REASON_NOT_REGISTERED = 18, /* the registration of its process has ended */
	UP_REASON_MAX = 19,
};

/*
 * up_sock.state: where enrolment stands.
 *
 *   from              to        moved by      when
 *   (none)            NEW       introduce     the owner asks for the socket, or a visit adopts a claim
 *   (none)            PLAIN     introduce     no place or share for the socket, or the socket was a listener
 *   NEW               PAIRED    pair          the other end is known, trusted, and not final in its refusal
 *   NEW               PLAIN     pair          no end answered for no_peer_ns, or the other end is refused or untrusted
 *   PAIRED            WANTED    consider      either end has had enough traffic, or a rule wants it
 *   PAIRED            PLAIN     consider      pinned, a rule, or the other end is plain
 *   WANTED            ENROLLED  enrol         the socket is in both sockhashes
 *   WANTED            PLAIN     enrol         the kernel or a quota refused
 *   ENROLLED          READY     hand_over     the other end is ENROLLED or READY too
 *   ENROLLED, READY   LEAVING   leave         the flow does not gain any more, or must stop
 *   LEAVING           PLAIN     take_off      no verdict redirects to it, no message is on the way, nothing is queued
 *   NEW .. WANTED     PLAIN     send_back     a pause, a lost registration, a lost trust
 *   ENROLLED .. LEAVING  PLAIN  step          a pause, and the connection has ended with its queue empty
 *   PLAIN             NEW       start_over    the reason may have passed
 *   NEW .. PLAIN      NEW       introduce     the socket was connected anew, or its entry in `halves` is gone
 *
 * Visits (up_visit) make all of these moves. The helper runs one visit at a time, under its sweep lock. A visit holds a
 * reference of the socket and never its lock. It writes `state` last, by an atomic exchange (set_state). take_off runs
 * an RCU grace period after the visit that found the socket ready for it.
 * introduce also runs in an option program, under the lock of the socket. `introducing` keeps it apart from visits: it
 * only touches a record that no visit can find.
 * The verdict only reads the state.
 */
enum up_state : __u32 {
	UP_NEW = 0,      /* has not found its other end */
	UP_PAIRED = 1,   /* the other end is known */
	UP_WANTED = 2,   /* to be enrolled */
	UP_ENROLLED = 3, /* in both sockhashes; the other end may not be yet */
	UP_READY = 4,    /* the other end is enrolled too: the verdict may redirect */
	UP_PLAIN = 5,    /* decided against; up_sock.reason says why */
	UP_LEAVING = 6,  /* to be taken off once its psock queue is empty */
};

/* up_sock.tx: how this socket sends. The verdict moves it, under the lock of the socket. */
enum up_tx : __u8 {
	UP_TX_TCP = 0,
	UP_TX_REDIRECT = 1,
};

/* up_sock.flags, of the visits. */
enum up_flag : __u8 {
	UP_F_SETTLED = 1,    /* both ends know that the other is UP_READY: nothing more to hand over */
	UP_F_TRIAL = 2,      /* a stream that is tried again: its own messages will tell whether it gains */
	UP_F_JUDGE_NEXT = 4, /* judge it in the next pass, when the other end has published its count */
	UP_F_JUDGEABLE = 8,  /* the other end has room, so judging it makes sense */
	UP_F_STREAM = 16,    /* this end sends much more than the other one answers */
};

/* What a rule of the host's administrator says of the connections whose local or remote port it names. */
enum up_decision : __u8 {
	UP_DECIDE_AUTO = 0,     /* accelerate those that gain */
	UP_DECIDE_PLAIN = 1,    /* accelerate none */
	UP_DECIDE_REDIRECT = 2, /* accelerate all, and keep them so */
};

/*
 * Knob `fault`: the programs behave as on a kernel that cannot be used, so that the tests see the kernel probe refuse.
 * It is 0 in use, and the verifier then removes the code behind it. Tuning.Fault has the same names and numbers; the
 * numbers that are missing here are faults of the probe itself.
 */
enum up_fault : __u32 {
	UP_FAULT_ORDER = 1,          /* redirects though older bytes are still on their way by TCP */
	UP_FAULT_READER = 2,         /* redirects to a reader that sleeps where it does not see the psock queue */
	UP_FAULT_WAKE = 4,           /* messages of more than one byte go to their sender, and so wake no reader */
	UP_FAULT_HALF_CLOSE = 8,     /* redirects after shutdown(SHUT_WR) */
	UP_FAULT_BACK_PRESSURE = 16, /* a reader that does not read holds no writer */
	UP_FAULT_AVAILABLE = 32,     /* bytes that came by TCP are not counted */
	UP_FAULT_UNENROL = 64,       /* takes sockets off with data queued */
	UP_FAULT_REST = 256,         /* takes each message that goes by TCP for the rest of one that was redirected */
	UP_FAULT_ENROL = 512,        /* enrols no socket */
	UP_FAULT_PAUSE = 1024,       /* redirects in a pause too */
	UP_FAULT_PASS = 2048,        /* redirects nothing */
	UP_FAULT_LARGE = 4096,       /* redirects single bytes alone */
	UP_FAULT_UNREAD = 8192,      /* redirected bytes are not counted */
	UP_FAULT_BOTH = 16384,       /* redirected bytes are not counted where others came by TCP behind them */
	UP_FAULT_STAY = 32768,       /* takes no socket off */
	UP_FAULT_LOST = 524288,      /* redirected messages go to their sender: the bytes are lost */
};

/* Counters of one direction, bytes and messages (a write of more than about 17 fragments is several messages). */
struct up_counters {
	__u64 redirected_bytes;
	__u64 redirected_messages;
	__u64 passed_bytes; /* of an enrolled sender, by TCP */
	__u64 passed_messages;
	__u64 switches; /* changes of up_tx */
};

/*
 * The flow record, in BPF_MAP_TYPE_SK_STORAGE `socks`: of each socket that its process asked for, or had when it
 * registered. A listener has one only where it was pinned (UP_OPT_PIN_TCP). What it accepts starts with a copy
 * (BPF_F_CLONE), which `sk` tells from the original.
 *
 * The fields stand in groups, by who writes them. Only introduce() writes across the groups, and only a record that no
 * visit can find.
 *
 * The first 120 bytes are two cache lines: what the verdict reads for each message, and what it writes. The kernel puts
 * a pointer of its own before the record, at the beginning of a line (struct bpf_local_storage_data).
 */
struct up_sock {
	/* Visits, one at a time; owner_slot: the claimers (below). */
	__u64 peer_id;
	__u64 peer_sk;       /* address of the peer's struct sock; reads there count only while peer_id is a member */
	__u64 sk;            /* address of this struct sock, for reads by CO-RE; never leaves the kernel */
	__u64 pressure;      /* address of its protocol's memory_pressure; 0: none; never leaves the kernel */
	__u64 prot;          /* address of its struct proto since its enrolment; another is not TCP's; likewise */
	__u64 judge_at;      /* messages sent, when it is to be judged again */
	enum up_state state; /* 32 bits wide for the atomic exchange that hands over */
	__u32 owner_slot;    /* index into `totals` */

	/* An option program, under the lock of this socket. It only ever becomes 1. */
	__u8 pinned; /* 1: UP_OPT_PIN_TCP was set */

	/* The verdict, under the lock of this socket. Visits reset some before the enrolment, and `largest` later. */
	enum up_tx tx;
	__u8 reader_passed;       /* 1: the peer has read a byte that came by TCP since its enrolment */
	__u8 queued;              /* messages redirected since the peer's queue was last seen empty, or counted */
	__u32 looked_at;          /* ticks, when the verdict last looked whether TCP is due (is_time_for_tcp) */
	struct up_counters tx_counters;
	__u32 written;            /* tcp_sock.write_seq at the switch to redirect; equal: nothing went by TCP since */
	__u32 average_size;       /* of messages, bytes, moving average over about 8 */
	__u32 largest;            /* message since the flow was last judged, bytes */
	__u32 contended;          /* what redirects cost that met the peer in its own socket's lock (count_contended) */
	__u64 redirects_since_ns; /* CLOCK_MONOTONIC, of the switch to redirect */
	__u32 kept_alive;         /* messages passed only because TCP was due (is_time_for_tcp) */

	/* Option programs, under the lock of this socket. */
	__u32 room_enrolment; /* the enrolment (by `enrolments`) for which its receive buffer was given room */
	__u32 window_clamp;   /* of TCP before make_room lowered it; else 0 */

	/* Any program, by atomic exchange. */
	__u32 notified;    /* 1: its id is on the way to the helper */
	__u32 introducing; /* 1: it is being made known (introduce) */

	/* The claimers: the owner's option program, a visit that adopts, a visit that disowns. */
	__u32 owner_id;   /* registration; 0: not registered any more */
	__u32 owner_tgid; /* in the initial pid namespace */
	__u8 claimed;     /* 1: newly claimed, so it may look for its other end once more; visits set it back */

	/* An option program, under the lock of this socket. It only ever becomes 1. */
	__u8 repaired; /* 1: TCP_REPAIR was asked for: its sequence numbers prove nothing */

	/* Visits, one at a time. */
	enum up_flag flags;
	enum up_decision rule;          /* of the first rule that names one of its ports */
	__u64 id;                       /* of this socket, from `ids`, never another's; 0: not known yet (introduce) */
	__u64 born_ns;                  /* CLOCK_MONOTONIC, of when it became known */
	__u64 looking_since_ns;         /* the same, of when it last began to look for its other end */
	__u64 enrolled_ns;              /* the same, of its enrolment */
	__u64 published;                /* messages sent, as the half last said */
	__u64 judged_messages;          /* messages sent, when the flow was last judged */
	__u64 peer_judged;              /* messages that the peer had sent then */
	__u64 judged_failed;            /* messages that had not been redirected then (failed_of) */
	__u64 judged_bytes;             /* bytes sent, when it was last judged */
	__u64 busy_since_ns;            /* of the first attempt at enrolment that found another psock; 0: none did */
	__u32 isn_mine;                 /* initial sequence numbers of the handshake, each plus one */
	__u32 isn_theirs;
	__u32 enrolments;               /* how often it was enrolled */
	__u32 copied_at_enrolment;      /* tcp_sock.copied_seq of this socket, read after its enrolment (enrol.bpf.h) */
	__u32 peer_copied_at_enrolment; /* the same of the peer */
	__u32 peer_enrolments;          /* of the other end, when this one became UP_READY */
	__u32 segments_in;              /* data segments, when it was taken off, or decided against */
	__u32 segments_out;
	__u32 judged_contended;         /* `contended`, when it was last judged */
	__u8 trials;                    /* how often it was taken off; each makes the next trial rarer */
	__u8 idle_visits;               /* in a row that changed nothing; each makes the next rarer */
	enum up_reason reason;
	__u8 peer_share;                /* the peer's up_half.messages_share, when this one became UP_READY */
};

/* Key of `handshakes`: the handshake's sequence numbers, as the socket sees them. The other end has them swapped. */
struct up_isn {
	__u32 mine;
	__u32 theirs;
};

/* Both ends, as a socket sees them. Addresses in network order, IPv4 as v4-mapped; ports in host order. */
struct up_tuple {
	__u8 local_addr[16];
	__u8 remote_addr[16];
	__u16 local_port;
	__u16 remote_port;
};

/*
 * One end of a connection as the map `halves` has it, by its id: what the other end has to know of it, and how the
 * helper finds it. It stays until a visit sees that the socket has gone.
 *
 * The sequence numbers alone prove little: a process with CAP_NET_ADMIN in a network namespace of its own chooses them.
 * So either the addresses match too, in one namespace, or both namespaces belong to the initial user namespace.
 */
struct up_half {
	__u64 sk;
	__u64 peer_id;             /* which end this one takes for its other end; 0: none yet */
	__u64 messages;            /* that it has sent, when it last said so */
	__u64 cgroup_id;           /* in which the socket was made: the programs of that cgroup answer its options */
	struct up_tuple tuple;
	__u32 netns_inum;
	struct up_isn isn;         /* its key in `handshakes`; zero: not there */
	__u32 owner_id;
	__u32 owner_tgid;
	__u32 copied_at_enrolment; /* valid from UP_ENROLLED on */
	__u8 state;                /* enum up_state, as of the last visit */
	enum up_reason reason;
	__u8 host_owned;           /* 1: the network namespace belongs to the initial user namespace */
	__u8 has_room;             /* 1: its receive buffer was given room (make_room) */
	__u32 bound_dev_if;        /* device that the socket is bound to, as with a link-local address; 0: none */
	__u32 enrolments;          /* how often it was enrolled */
	__u64 claimed_inode;       /* not 0: only a claim, with the inode of the open file; the next visit adopts it */
	__u32 uid;                 /* whose share of the tables it takes (struct up_user): the first owner's */
	__u32 messages_share;      /* of its user's, while it is enrolled; 0: not enrolled */
};

/* A registered JVM; key: tgid in the initial pid namespace. */
struct up_jvm {
	__u64 start_boottime_ns; /* of the thread group's leader, to 10 ms: a reused pid is not the JVM */
	__u64 exec_id;           /* the leader's self_exec_id, which an exec changes; 0: not known */
	__u64 domains;           /* a bit for each policy line that has it trust others: a common bit is mutual trust */
	__u32 id;
	__u32 slot;
	__u32 former;            /* its registration before this one, with claims that still stand; 0: none */
	__u32 uid;               /* effective, in the initial user namespace */
	__u32 pidns_inum;
	__u32 userns_inum;
};

/* What the sockets of a user take of the tables; in `users`, by uid in the initial user namespace. */
struct up_user {
	__u64 sockets;  /* known ones */
	__u64 enrolled;
	__u64 messages; /* that may be queued for the enrolled ones, all together */
	__u64 refused;  /* sockets that found no share left */
};

/* Sums over all sockets that a registration ever had; per processor. Slot 0 belongs to no registration. */
struct up_totals {
	struct up_counters tx;
	__u64 connections_accelerated;          /* sockets of which a byte was redirected */
	__u64 connections_plain[UP_REASON_MAX]; /* decisions against, by reason */
};

/* One entry of `rules`, in order: the first that matches counts. */
struct up_rule {
	__u16 low; /* ports, host order, both included; low 0 ends the list */
	__u16 high;
	enum up_decision decision;
	__u8 pad[3];
};

/*
 * The helper's word to the programs, and theirs to it; one entry, which the helper has mapped. Each field has one
 * writer, but for `armed`, `lost` and `crowded`, which one side sets and the other one clears.
 */
struct up_control {
	__u32 paused;  /* 1: every verdict is to pass */
	__u32 armed;   /* 1: the helper sleeps, wake it; the program that wakes it clears this */
	__u32 lost;    /* 1: an id found no room in `events`: the helper is to look at all */
	__u32 crowded; /* 1: a user has no share left: the helper is to look for sockets that were closed */
	__u32 policy;  /* digest of the policy's trust lines, by which `domains` were given; only the helper reads it */
	__u32 pad;
};

/* A process whose open sockets up_claim is to look at; in `claims`, by tgid. */
struct up_claiming {
	__u64 domains;
	__u32 id;
	__u32 slot;
	__u32 fresh; /* 1: the process registers, as it is now; 0: it has to be the process that registered */
	__u32 pad;
};

/* up_places writes one for each open file of a process. */
struct up_place {
	__u64 cgroup_id;
	__u32 netns_inum; /* of a TCP socket; else 0 */
	__u32 fd;
};

enum up_caller_state : __u32 {
	UP_CALLER_SAME = 0,    /* the process runs the program, as the user, that connected */
	UP_CALLER_CHANGED = 1, /* it has changed one of the two since */
	UP_CALLER_BUSY = 2,    /* it may be about to change: the helper asks again */
};

/* up_caller writes one for each connection of the helper's. */
struct up_caller {
	__u32 tgid;
	enum up_caller_state state;
};

/* up_visit.outcome, up_flow.outcome */
enum up_outcome : __u8 {
	UP_VISIT_NONE = 0,      /* not looked at */
	UP_VISIT_GONE = 1,      /* there is no such socket any more, and nothing is kept of it */
	UP_VISIT_ELSEWHERE = 2, /* it is in netns_inum, and to be looked up there */
	UP_VISIT_DONE = 3,
	UP_VISIT_LEAVES = 4,    /* done, and it can be taken off, an RCU grace period from now */
};

/* What a run of up_visit does with its sockets. */
enum up_mode : __u32 {
	UP_MODE_STEP = 0,     /* moves each socket on as far as it goes, but takes none off */
	UP_MODE_TAKE_OFF = 1, /* takes off what is UP_LEAVING, an RCU grace period after UP_MODE_STEP found it */
};

/* One socket to visit: the helper writes `id`, up_visit all else. */
struct up_visit {
	__u64 id;
	__u64 peer_id;    /* the other end, to be visited too where this one has moved; 0: none */
	__u64 again_ns;   /* it wants to be visited after so long; 0: not before a program names it */
	__u32 netns_inum;
	__u32 owner_tgid;
	enum up_outcome outcome;
	__u8 moved;         /* 1: it has changed, so it and its other end may go on */
	__u8 nudge;         /* 1: its other end is to be looked at */
	__u8 state;         /* enum up_state */
	__u32 bound_dev_if; /* with netns_inum, where UP_VISIT_ELSEWHERE is */
	__u32 owner_id;
	__u32 pad;
};

/* A flow as up_dump shows it: the helper writes record.id. up_dump writes all else, or `outcome` alone. */
struct up_flow {
	struct up_sock record;
	struct up_tuple tuple;
	__u32 queued; /* bytes in the psock queue */
	__u32 netns_inum;
	__u32 bound_dev_if;
	__u32 outcome; /* enum up_outcome; UP_VISIT_NONE: it is there, but no connection any more */
	__u32 pad;
	__u64 tcp_bytes_sent; /* acknowledged, by TCP */
	__u64 tcp_bytes_received;
	__u64 age_ns;
};

#endif
