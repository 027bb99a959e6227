/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The maps, and the knobs that the helper sets before the load. The helper pins all maps but `rules`, `hooked`,
 * `claims`, `visits`, `rows` and the two of `grace`, together with the links. The next helper adopts them.
 */
#ifndef UNDERPASS_MAPS_H
#define UNDERPASS_MAPS_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "underpass.h"

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
 * The two sockhashes, keyed by the socket's id. `members` has no program and is what redirects aim at; `senders` has
 * the verdict. A socket in `members` alone would receive redirected bytes and send as plain TCP (docs/decisions.md).
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
 * All sockets that are known, by id. A plain hash, not an LRU one, because each entry has to be found as long as its
 * socket lives. The helper reads the map as a whole (BPF_MAP_LOOKUP_BATCH) where it needs all of them.
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

/*
 * The helper makes an entry when a process of that user registers, and removes it when no socket counts there any more.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, UP_MAX_USERS);
	__type(key, __u32); /* uid */
	__type(value, struct up_user);
} users SEC(".maps");

/* The id that was given last. The kernel's own cookie does not do: not every program here may give a socket one. */
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

/* What one run of up_visit (visits), or of up_dump (rows), looks at, and what it found. */
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
 * The cgroups to which up_setsockopt and up_getsockopt are attached, by their ids. The helper enters a cgroup after it
 * has attached both. It detaches them only after it has removed the entry, and when none of its sockets is enrolled.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, UP_MAX_CGROUPS);
	__type(key, __u64);
	__type(value, __u32);
} hooked SEC(".maps");

/*
 * Names to the helper the sockets that it is to visit, by their ids; 0 is a wake-up alone. Where the ring is full, the
 * helper looks at all sockets (up_control.lost).
 */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 262144);
} events SEC(".maps");

/* These hold nothing: an update of the outer map waits for all programs that run (the helper's GracePeriod). */
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

/* The knobs: the helper sets them before the load. */

/* Which flows are enrolled. */
const volatile __u32 take_every = 0;          /* 1: enrol every pair as soon as it is found (tests) */
const volatile __u32 min_segments = 8;        /* data segments each way before a flow counts as long-lived, */
const volatile __u32 one_way_factor = 64;     /* and so many times as many where one end does not answer */
const volatile __u64 no_peer_ns = 2000000000; /* a socket that found no other end in this time is left alone */

/* When an accelerated flow is judged: after so many messages, then ever more rarely, down to a bound. */
const volatile __u32 judge_messages = 256;
const volatile __u32 judge_messages_max = 16384;
const volatile __u32 judge_mask = 63; /* asked for at each message whose number has none of these bits; 2^n - 1 */
const volatile __u64 judge_without_room_ns = 1000000000; /* the other end has no room after so long: judged without */

/* Which flows gain. */
const volatile __u32 stream_factor = 8;             /* so many messages for each of the other end: a stream */
const volatile __u32 stream_gains_size = 49152;     /* bytes a message, from which on a redirected stream gains */
const volatile __u32 contended_costs = 3;           /* contention for each message of the other end, from which on */
const volatile __u32 contended_gains_size = 131072; /* a flow loses, below so many bytes a message */

/* When a flow that did not gain is tried again; both times 8 for each trial before. */
const volatile __u32 trial_segments = 4096; /* a stream: after so many data segments */
const volatile __u32 answer_segments = 64;  /* one that answers: after so many each way */

/* What an enrolled socket may hold. */
const volatile __u32 room = 1835008;    /* bytes of its receive buffer for redirects, beside TCP's window */
const volatile __u32 most_queued = 128; /* messages, 255 at most; fewer where its user has many sockets */
const volatile __u64 keep_alive_ns = 30000000000; /* a redirected direction sends a message by TCP after so long */

/* What one user may take of the tables. */
const volatile __u32 user_sockets = 65536;    /* known sockets */
const volatile __u32 user_enrolled = 32768;   /* enrolled ones */
const volatile __u32 user_messages = 1048576; /* messages queued for them; the helper sets it by the machine's memory */

/* For the kernel probe. */
const volatile __u32 known_only = 0; /* 1: no socket gets a record, but for those that the probe itself gives one */
const volatile __u32 fault = 0;      /* enum up_fault, for tests: what the probe must find */
#define FAULT(name) (fault & UP_FAULT_##name)

#endif
