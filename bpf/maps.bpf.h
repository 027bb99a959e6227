/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The maps. All but `rules`, `hooked`, `claims`, `visits`, `rows` and the two of `grace` are pinned, together with the links, and adopted by
 * the next helper.
 */
#ifndef UNDERPASS_MAPS_H
#define UNDERPASS_MAPS_H

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, UP_MAX_JVMS);
	__type(key, __u32); /* tgid */
	__type(value, struct up_jvm);
} jvms SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC | BPF_F_CLONE);
	__type(key, int);
	__type(value, struct up_sock);
} socks SEC(".maps");

/*
 * The two sockhashes, keyed by the socket's id. `members` has no program and is what redirects aim at; `senders` has the
 * verdict. A socket in members alone would receive redirected bytes and send as plain TCP; none is (docs/decisions.md).
 */
struct {
	__uint(type, BPF_MAP_TYPE_SOCKHASH);
	__uint(max_entries, UP_MAX_MEMBERS);
	__type(key, __u64);
	__type(value, __u64);
} members SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_SOCKHASH);
	__uint(max_entries, UP_MAX_MEMBERS);
	__type(key, __u64);
	__type(value, __u64);
} senders SEC(".maps");

/*
 * All sockets that are known, by id. A plain hash, not an LRU one: what is here has to be found as long as it lives. The helper reads
 * it as a whole (BPF_MAP_LOOKUP_BATCH) where it needs all of them.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, UP_MAX_FLOWS);
	__type(key, __u64);
	__type(value, struct up_half);
} halves SEC(".maps");

/* The ids, by the sequence numbers that the other end knows as well. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, UP_MAX_FLOWS);
	__type(key, struct up_isn);
	__type(value, __u64);
} handshakes SEC(".maps");

/* The helper makes an entry when a process of that user registers, and takes it away when no socket counts there any more. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, UP_MAX_USERS);
	__type(key, __u32); /* uid */
	__type(value, struct up_user);
} users SEC(".maps");

/* The id that was given last. The kernel's own cookie will not do: no program may give a socket one where it becomes known. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} ids SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, UP_MAX_JVMS + 1);
	__type(key, __u32);
	__type(value, struct up_totals);
} totals SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct up_control);
} control SEC(".maps");

/* What one run of up_visit, and one of up_dump, looks at, and what it found. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, UP_MAX_VISITS);
	__type(key, __u32);
	__type(value, struct up_visit);
} visits SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, UP_MAX_ROWS);
	__type(key, __u32);
	__type(value, struct up_flow);
} rows SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, UP_MAX_JVMS);
	__type(key, __u32); /* tgid */
	__type(value, struct up_claiming);
} claims SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, UP_MAX_RULES);
	__type(key, __u32);
	__type(value, struct up_rule);
} rules SEC(".maps");

/*
 * The cgroups to which up_setsockopt and up_getsockopt are attached, by their ids. The helper puts one in after it has
 * attached both, and detaches them only when it is out and none of its sockets is enrolled.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, UP_MAX_CGROUPS);
	__type(key, __u64);
	__type(value, __u32);
} hooked SEC(".maps");

/*
 * Names to the helper the sockets that it is to visit, by their ids; 0 is a wake-up alone. Where it is full the helper looks at
 * all (up_control.lost).
 */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 262144);
} events SEC(".maps");

/* Hold nothing: an update of the outer one waits for all programs that run (the helper's GracePeriod). */
struct grace_inner {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} grace_inner SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1);
	__type(key, __u32);
	__array(values, struct grace_inner);
} grace SEC(".maps") = {
	.values = {&grace_inner},
};

/* Set by the helper before load. */
const volatile __u32 take_every = 0;       /* 1: enrol every pair as soon as it is found (tests) */
const volatile __u32 min_segments = 8;     /* data segments each way before a flow counts as long-lived */
const volatile __u32 one_way_factor = 64;  /* a stream, which does not answer, counts as long-lived after so many times as many */
const volatile __u32 judge_messages = 256;      /* an accelerated flow is judged after so many, and then ever more rarely, */
const volatile __u32 judge_mask = 63;            /* asked for at each message of which the number has none of these bits; a power of 2, less one */
const volatile __u32 judge_messages_max = 16384; /* but not more rarely than this */
const volatile __u32 stream_factor = 8;     /* so many messages for each of the other end: a stream */
const volatile __u32 stream_gains_size = 49152; /* bytes a message, from which on a redirected stream gains */
const volatile __u32 contended_costs = 3;   /* so much contention for each message of the other end costs more than turns gain, */
const volatile __u32 contended_gains_size = 131072; /* below so many bytes a message */
const volatile __u32 trial_segments = 4096; /* a stream is tried after so many data segments, */
const volatile __u32 answer_segments = 64;  /* or taken up again when it has had so many each way; both times 8 for each trial */
const volatile __u32 room = 1835008;        /* bytes that the receive buffer of an enrolled socket has for redirects, beside TCP's window */
const volatile __u32 most_queued = 128;     /* messages that a socket may have queued, 255 at most, and fewer where its user has many sockets */
const volatile __u64 keep_alive_ns = 30000000000; /* a direction that is redirected sends a message by TCP after so long */
const volatile __u64 judge_without_room_ns = 1000000000; /* a flow whose other end has no room after so long is judged without */
const volatile __u32 user_sockets = 65536;    /* known sockets of one user */
const volatile __u32 user_enrolled = 32768;   /* enrolled ones */
const volatile __u32 user_messages = 1048576; /* messages that may be queued for them; the helper sets it by the machine's memory */
const volatile __u32 known_only = 0; /* 1: no socket gets a record that has none (the kernel probe, which makes those of its own) */
const volatile __u32 fault = 0; /* UP_FAULT_*, for tests: what the kernel probe must find */
const volatile __u64 no_peer_ns = 2000000000; /* a socket that found no other end in this time is left alone */

#endif
