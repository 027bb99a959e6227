/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the BPF programs and the helper share: map values, rows, socket options, reasons.
 *
 * Java's view of these structs is io.underpass.ffm.Layouts; a test compares it with the BTF of the compiled object.
 * Every struct is padded by hand, so that its bytes are the same for clang and for Java. A change to a struct that
 * lives in a pinned map changes UP_ABI, and so the folder the maps are pinned in: old and new never share bytes.
 */
#ifndef UNDERPASS_H
#define UNDERPASS_H

#define UP_ABI 7

/* Socket options that a JVM asks of its own sockets ('up'): the right to act on a socket is having it. */
#define UP_SOL 0x7570
#define UP_OPT_PIN_TCP 1   /* set, int: this socket's sending direction goes by TCP from now on */
#define UP_OPT_AVAILABLE 2 /* get, int: bytes that can be read at once, both queues; -1 where the socket has no record, and the kernel's own count is right */
#define UP_OPT_UNREAD 3    /* get, int: bytes in the psock queue */
#define UP_OPT_BEHIND 4    /* get, int: bytes that the other end has yet to read, where a writer of much should wait for it; else 0; -1: not accelerated; UP_READER_WAITS */
#define UP_READER_WAITS -2 /* the answer where the other end has read all that was redirected, and runs on another processor */
#define UP_OPT_JOIN 5      /* set, int: this socket of a registered process has lasted long enough to be worth a record; set again: does for it what needs its lock (tend) */
#define UP_OPT_ENROLLED 6  /* get, int: 1: it is enrolled; else -1 */
#define UP_OPT_RESET 7     /* get, int: 1: its connection was ended by a reset, which the kernel may have told nobody; else 0 */

/* Bounds. Full means: the connection runs plain, counted under the reason named. */
#define UP_MAX_JVMS 1024      /* registrations; one more is refused (ERR full) */
#define UP_MAX_MEMBERS 131072 /* enrolled sockets; UP_REASON_TABLE_FULL */
#define UP_MAX_CGROUPS 4096   /* of registered processes; a process whose cgroup finds no place is refused (ERR full) */
#define UP_MAX_RULES 64       /* more are refused when the file is read */
#define UP_MAX_FLOWS 262144   /* sockets that are known by an id, enrolled or not; UP_REASON_TABLE_FULL */
#define UP_MAX_USERS 1024     /* of registrations; a process of one more is refused (ERR full) */
#define UP_MAX_VISITS 256     /* sockets that one run of up_visit looks at: it keeps its processor's softirqs waiting meanwhile */
#define UP_MAX_ROWS 256       /* the same of up_dump */

/* Why a connection runs plain; io.underpass.Reason has the same order. */
enum up_reason {
	UP_REASON_NONE = 0,
	UP_REASON_UNDECIDED = 1,    /* too young, or too quiet, to tell */
	UP_REASON_NO_PEER = 2,      /* the other end is not on this host, or not registered, or this one is out of its reach (is_hooked) */
	UP_REASON_ONE_WAY = 3,      /* traffic of a kind that would lose */
	UP_REASON_PINNED = 4,       /* the application asked, or sends urgent data */
	UP_REASON_TABLE_FULL = 5,   /* members is full */
	UP_REASON_SOCKMAP_BUSY = 6, /* EBUSY: another sockmap owns the socket */
	UP_REASON_ULP = 7,          /* EINVAL: an upper-layer protocol, such as kernel TLS */
	UP_REASON_UNSUPPORTED = 8,  /* MPTCP, or a state that a sockmap does not take */
	UP_REASON_PAUSED = 9,       /* the helper is stopping */
	UP_REASON_NO_RECORD = 10,   /* no memory for the socket's record */
	UP_REASON_FAILED = 11,      /* any other errno at enrolment */
	UP_REASON_BEHIND = 12,      /* its reader does not keep up, so that most of it goes by TCP in any case */
	UP_REASON_RULE = 13,        /* a rule says so; of an accelerated flow too */
	UP_REASON_CONTENDED = 14,   /* bursts that meet their reader while it reads, and wait for it more than they gain */
	UP_REASON_UNTRUSTED = 15, /* its two processes are different users', and no line of the policy brings them together */
	UP_REASON_QUOTA = 16,     /* its user has as many sockets in the tables as one may have */
	UP_REASON_MAX = 17,
};

/*
 * up_sock.state: where enrolment stands. Only a visit moves it (up_visit), of which the helper makes one at a time, without
 * the socket's lock; a record begins as NEW where its socket becomes known (introduce).
 */
enum up_state {
	UP_NEW = 0,      /* not yet found its other end */
	UP_PAIRED = 1,   /* peer known */
	UP_WANTED = 2,   /* to be enrolled */
	UP_ENROLLED = 3, /* in both sockhashes; the other half may not be yet */
	UP_READY = 4,    /* the peer is enrolled too: the verdict may redirect */
	UP_PLAIN = 5,    /* decided against; up_sock.reason says why */
	UP_LEAVING = 6,  /* to be taken off once its psock queue is empty */
};

/* up_sock.tx: the two-state machine of this socket's sending direction. Only the verdict moves it. */
enum up_tx {
	UP_TX_TCP = 0,
	UP_TX_REDIRECT = 1,
};

/* up_sock.flags, of the visits. */
#define UP_F_SETTLED 1 /* both ends know that the other is UP_READY: nothing more to hand over */
#define UP_F_TRIAL 2   /* a stream: whether it gains, its own messages have to tell */
#define UP_F_ASKED 4   /* to be judged in the next pass, when the other end has said how far it is */
#define UP_F_JUDGED 8  /* the other end has room, so that this one can be judged */
#define UP_F_STREAM 16 /* this end sends much more than the other one answers */

#define UP_SEEN_READER_PASSED 1 /* the peer has read a byte that came by TCP since its enrolment */

/*
 * Knob `fault`: makes the programs behave as on a kernel that cannot be used, one way each, so that the tests see the
 * kernel probe refuse. 0 in use: the verifier then removes what asks for it. Same order as Tuning.Fault.
 */
#define UP_FAULT_ORDER 1         /* redirects though older bytes are still on their way by TCP */
#define UP_FAULT_READER 2        /* redirects to a reader that sleeps where it does not see the psock queue */
#define UP_FAULT_WAKE 4          /* redirected bytes, but for single ones, do not reach whom they would wake */
#define UP_FAULT_HALF_CLOSE 8    /* redirects after shutdown(SHUT_WR) */
#define UP_FAULT_BACK_PRESSURE 16 /* a reader that does not read holds nobody */
#define UP_FAULT_AVAILABLE 32    /* bytes that came by TCP are not counted */
#define UP_FAULT_UNENROL 64      /* takes sockets off with data queued */
#define UP_FAULT_FIONREAD 128    /* FIONREAD counts nothing; no program answers it, so the probe itself misreads it */
#define UP_FAULT_REST 256        /* takes each message that goes by TCP for the rest of one that was redirected */
#define UP_FAULT_ENROL 512       /* takes nobody up */
#define UP_FAULT_PAUSE 1024      /* redirects in a pause too */
#define UP_FAULT_PASS 2048       /* redirects nothing */
#define UP_FAULT_LARGE 4096      /* redirects single bytes alone */
#define UP_FAULT_UNREAD 8192     /* redirected bytes are not counted */
#define UP_FAULT_BOTH 16384      /* nor are they where others came by TCP behind them */
#define UP_FAULT_STAY 32768      /* takes nobody off */
#define UP_FAULT_WRITABLE 65536  /* a sender that is held counts as writable: the probe itself misreads it */
#define UP_FAULT_HELD 131072     /* a sender is not writable again: likewise */
#define UP_FAULT_END 262144      /* a stream does not end: the probe itself leaves it open */
#define UP_FAULT_LOST 524288     /* redirected bytes reach nobody */

/* Counters of one direction, bytes and messages (a write of more than about 17 fragments is several messages). */
struct up_counters {
	__u64 redirected_bytes;
	__u64 redirected_messages;
	__u64 passed_bytes; /* of an enrolled sender, by TCP */
	__u64 passed_messages;
	__u64 switches; /* changes of up_tx */
};

/*
 * The flow record, in BPF_MAP_TYPE_SK_STORAGE `socks`: of each socket that its process asked for, or had when it registered.
 *
 * A listener has one only where it was pinned (UP_OPT_PIN_TCP): what it accepts starts with a copy (BPF_F_CLONE), which
 * `sk` tells from the original.
 * Who writes, and what keeps others from writing at the same time:
 *   the verdict, under the lock of this socket: tx, written, average_size, largest, seen, contended, tx_counters, queued, looked_at,
 *   redirects_since_ns, kept_alive;
 *   the option programs, under the lock of this socket: room, window_clamp, and pinned, repaired, which only ever become 1;
 *   whoever claims the socket for a process: owner_*, asked; whoever names it to the helper: named, which a visit clears;
 *   the visits, one at a time (the helper's sweep lock): all else.
 *
 * What the verdict reads for each message comes first: two cache lines, since the kernel puts a pointer of its own before
 * the record, at the beginning of a line (struct bpf_local_storage_data).
 */
struct up_sock {
	__u64 peer_id;
	__u64 peer_sk;      /* address of the peer's struct sock; what is read there counts only while the peer is a member by peer_id */
	__u64 sk;           /* address of this struct sock, for reads by CO-RE; never leaves the kernel */
	__u64 pressure;     /* address of its protocol's memory_pressure; 0: none; never leaves the kernel */
	__u32 state;        /* enum up_state; 32 bits wide for the atomic exchange that hands over */
	__u32 written;      /* tcp_sock.write_seq when tx became UP_TX_REDIRECT: nothing went by TCP since, as long as it is that */
	__u32 average_size; /* of messages, bytes, moving average over about 8 */
	__u32 owner_slot;   /* index into `totals` */
	__u8 tx;            /* enum up_tx */
	__u8 pinned;        /* 1: UP_OPT_PIN_TCP was set */
	__u8 seen;          /* UP_SEEN_*, of the verdict */
	__u8 queued;        /* messages redirected since the peer's queue was last seen empty, or counted: it holds no more */
	__u32 looked_at;    /* ticks, when it was last asked whether it is time for a message by TCP (is_time_for_tcp) */
	struct up_counters tx_counters;
	__u64 judge_at;     /* messages sent, when it is to be judged again */
	__u64 prot;         /* address of its struct proto since its enrolment: another one is not TCP's; never leaves the kernel */
	__u32 largest;      /* message since the flow was last judged, bytes */
	__u32 contended;    /* of redirects that met the other end in its own socket's lock: what they cost (count_contended) */
	__u64 id;           /* of this socket, given by `ids`, never again another's; 0 until it is known (introduce) */
	__u64 born_ns;      /* CLOCK_MONOTONIC, of when it became known */
	__u64 since_ns;     /* the same, of when it last began to look for its other end */
	__u64 enrolled_ns;  /* CLOCK_MONOTONIC, of its enrolment */
	__u64 published;    /* messages sent, as the half last said */
	__u64 judged;       /* messages sent, and those of the peer, when the flow was last judged */
	__u64 peer_judged;
	__u64 judged_failed; /* messages that could not be redirected, when it was last judged */
	__u64 judged_bytes; /* sent, when it was last judged */
	__u64 redirects_since_ns; /* CLOCK_MONOTONIC, of when tx became UP_TX_REDIRECT */
	__u64 busy_since_ns; /* of the first attempt at enrolment that found another psock; 0: none did */
	__u32 isn_mine;     /* initial sequence numbers of the handshake, each plus one */
	__u32 isn_theirs;
	__u32 owner_id;     /* registration; 0: not registered any more */
	__u32 owner_tgid;   /* in the initial pid namespace */
	__u32 enrolments;   /* how often it was enrolled */
	__u32 copied_at_enrolment;      /* tcp_sock.copied_seq of this socket, read after it was enrolled (enrol.bpf.h) */
	__u32 peer_copied_at_enrolment; /* the same of the peer */
	__u32 segments_in;              /* data segments, when it was taken off, or decided against */
	__u32 segments_out;
	__u32 window_clamp;             /* of TCP before make_room, where it was lowered; else 0 */
	__u32 judged_contended;         /* the same, when it was last judged */
	__u32 room;                     /* the enrolment (by `enrolments`) for which its receive buffer was given room */
	__u32 peer_enrolments;          /* of the other end, when this one became UP_READY */
	__u32 named;                    /* 1: its id is on the way to the helper; by atomic exchange */
	__u32 introducing;              /* 1: it is being made known (introduce); likewise */
	__u32 kept_alive;               /* messages passed for no other reason than that it was time for one (is_time_for_tcp) */
	__u8 flags;                     /* UP_F_*, of the visits */
	__u8 repaired;                  /* 1: TCP_REPAIR was asked for: its sequence numbers prove nothing */
	__u8 rule;                      /* enum up_decision, of the rule that names one of its ports */
	__u8 trials;                    /* how often it was taken off again; each makes the next rarer */
	__u8 asked;                     /* 1: claimed by a registration since it was last looked at: may look for its other end once more */
	__u8 waits;                     /* visits in a row that changed nothing: each makes the next rarer */
	__u8 reason;                    /* enum up_reason */
	__u8 peer_share;                /* messages that may be queued for the peer (struct up_half.messages_share), when this one became UP_READY */
};

/* Key of `handshakes`: the handshake's sequence numbers, as the socket sees them. The other end has them swapped. */
struct up_isn {
	__u32 mine;
	__u32 theirs;
};

/* The two ends of a connection as a socket sees them. Addresses in network order, IPv4 as v4-mapped; ports in host order. */
struct up_tuple {
	__u8 local_addr[16];
	__u8 remote_addr[16];
	__u16 local_port;
	__u16 remote_port;
};

/*
 * One end of a connection as the map `halves` has it, by its id: what the other end has to know of it, and how the helper finds it. It
 * stays until a visit sees that the socket has gone.
 *
 * The sequence numbers alone prove little: whoever has CAP_NET_ADMIN in a network namespace of his own can choose them. So either the
 * addresses match too, in one namespace, or both namespaces belong to the host's administrator (the initial user namespace).
 */
struct up_half {
	__u64 sk;
	__u64 peer_id;             /* whom this end takes for its other end; 0: nobody yet */
	__u64 messages;            /* that it has sent, when it last said so */
	__u64 cgroup_id;           /* in which the socket was made: its option programs run */
	struct up_tuple tuple;
	__u32 netns_inum;
	struct up_isn isn;         /* its key in `handshakes`; zero: not there */
	__u32 owner_id;
	__u32 owner_tgid;
	__u32 copied_at_enrolment; /* valid from UP_ENROLLED on */
	__u8 state;                /* enum up_state, as of the last visit */
	__u8 reason;               /* enum up_reason */
	__u8 host_owned;           /* 1: the network namespace belongs to the initial user namespace */
	__u8 room;                 /* 1: it has room (make_room) */
	__u32 bound_dev_if;        /* the device that the socket is bound to, as one with a link-local address is; 0: none */
	__u32 enrolments;          /* how often it was enrolled */
	__u64 claimed_inode;       /* not 0: only a claim, by who had this file open; the next visit makes it known (adopt) */
	__u32 uid;                 /* whose share of the tables it takes (struct up_user): its owner's when it became known */
	__u32 messages_share;      /* of its user's, while it is enrolled; 0: not enrolled */
};

/* A registered JVM; key: tgid in the initial pid namespace. */
struct up_jvm {
	__u64 start_boottime_ns; /* of the thread group's leader, to 10 ms: a reused pid is not the JVM */
	__u64 exec_id;     /* the leader's self_exec_id: after an exec it is another program; 0: not known, where nobody may look at tasks */
	__u64 domains;     /* a bit for each line of the policy that has it trust others: those with a bit in common trust each other */
	__u32 id;
	__u32 slot;
	__u32 former;      /* its registration with a helper before this one, whose sockets are still its own until they are claimed; 0: none */
	__u32 uid;         /* effective, in the initial user namespace */
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
	__u64 connections_accelerated;   /* sockets of which a byte was redirected */
	__u64 connections_plain[UP_REASON_MAX]; /* decisions against, by reason */
};

/* What a rule of the host's administrator says of the connections whose local or remote port it names. */
enum up_decision {
	UP_DECIDE_AUTO = 0,     /* take those that gain */
	UP_DECIDE_PLAIN = 1,    /* none */
	UP_DECIDE_REDIRECT = 2, /* all, and keep them */
};

/* One entry of `rules`, in order: the first that matches counts. */
struct up_rule {
	__u16 low; /* ports, host order, both included; low 0 ends the list */
	__u16 high;
	__u8 decision; /* enum up_decision */
	__u8 pad[3];
};

/*
 * The helper's word to the programs, and theirs to it; one entry, which the helper has mapped: each field has one writer, but
 * for `armed`, `lost` and `crowded`, which one side sets and the other one clears.
 */
struct up_control {
	__u32 paused; /* 1: every verdict is to pass */
	__u32 armed;  /* 1: the helper sleeps, wake it; cleared by whoever wakes it */
	__u32 lost;   /* 1: an id found no room in `events`: the helper is to look at all */
	__u32 crowded; /* 1: a user has no share left: the helper is to look for sockets that were closed */
	__u32 policy; /* digest of the policy's lines of trust, which `domains` of the registrations go by; the helper's own */
	__u32 pad;
};

/* A process whose open sockets up_claim is to look at; in `claims`, by tgid. */
struct up_claiming {
	__u64 domains;
	__u32 id;
	__u32 slot;
	__u32 fresh; /* 1: the process registers, and is whoever it is now; 0: it is the one that registered */
	__u32 pad;
};

/* up_places writes one for each open file of a process. */
struct up_place {
	__u64 cgroup_id;
	__u32 netns_inum; /* of a TCP socket; else 0 */
	__u32 fd;
};

#define UP_CALLER_SAME 0    /* it runs the program, as the user, that connected */
#define UP_CALLER_CHANGED 1 /* it has changed one of the two since */
#define UP_CALLER_BUSY 2    /* it may be about to: to be asked again */

/* up_caller writes one for each connection of the helper's. */
struct up_caller {
	__u32 tgid;
	__u32 state; /* UP_CALLER_* */
};

/* up_visit.outcome */
enum up_outcome {
	UP_VISIT_NONE = 0,      /* not looked at */
	UP_VISIT_GONE = 1,      /* there is no such socket any more, and nothing is kept of it */
	UP_VISIT_ELSEWHERE = 2, /* it is in netns_inum, and to be looked up there */
	UP_VISIT_DONE = 3,
	UP_VISIT_LEAVES = 4,    /* the same, and it can be taken off, an RCU grace period from now */
};

#define UP_MODE_STEP 0     /* up_visit moves each socket on as far as it goes, but takes none off */
#define UP_MODE_TAKE_OFF 1 /* up_visit takes off what is UP_LEAVING; an RCU grace period after a UP_MODE_STEP that left it so */

/* One socket to visit: the helper writes `id`, up_visit all else. */
struct up_visit {
	__u64 id;
	__u64 peer_id;    /* who has to be visited too where this one has moved; 0: nobody */
	__u64 again_ns;   /* it wants to be visited after so long; 0: not before it is named */
	__u32 netns_inum;
	__u32 owner_tgid;
	__u8 outcome;     /* enum up_outcome */
	__u8 moved;       /* 1: it has changed, so that itself and its other end may go on */
	__u8 nudge;       /* 1: its other end is to be looked at */
	__u8 state;       /* enum up_state */
	__u32 bound_dev_if; /* with netns_inum, where UP_VISIT_ELSEWHERE is */
	__u32 owner_id;
	__u32 pad;
};

/* A flow as up_dump shows it: the helper writes record.id, up_dump all else, or, where it is not there to be shown, `outcome` alone. */
struct up_flow {
	struct up_sock record;
	struct up_tuple tuple;
	__u32 queued;         /* bytes in the psock queue */
	__u32 netns_inum;
	__u32 bound_dev_if;
	__u32 outcome;        /* enum up_outcome; UP_VISIT_NONE: it is there, but no connection any more */
	__u32 pad;
	__u64 tcp_bytes_sent; /* acknowledged, by TCP */
	__u64 tcp_bytes_received;
	__u64 age_ns;
};

#endif
