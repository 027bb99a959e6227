/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Pairing: the two ends of a connection find each other by the handshake's sequence numbers. `handshakes` has the id of
 * the end that has them, and `halves`, by the id, what the other one has to know of it. Visits call all of this, one at
 * a time.
 */
#ifndef UNDERPASS_PAIRING_H
#define UNDERPASS_PAIRING_H

#include <linux/bpf.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "flow.bpf.h"
#include "identity.bpf.h"
#include "kernel.h"
#include "maps.bpf.h"
#include "tenants.bpf.h"
#include "underpass.h"

/* A program that sees the new state also sees what was written before: an atomic exchange is a full barrier. */
static __always_inline void set_state(struct up_sock *rec, enum up_state state)
{
	__sync_lock_test_and_set(&rec->state, state);
}

/* The process at the other end asks for its socket at about the same time. */
#define SOON_NS 100000

static __always_inline int has_been_given_room(const struct up_sock *rec)
{
	return rec->enrolments && rec->room_enrolment == rec->enrolments;
}

static __always_inline struct up_half *half_of(__u64 id)
{
	return bpf_map_lookup_elem(&halves, &id);
}

static __attribute__((noinline)) void publish(const struct up_sock *rec)
{
	struct up_half *half = half_of(rec->id);

	if (!half)
		return;
	half->peer_id = rec->peer_id;
	half->messages = messages_of(rec);
	half->copied_at_enrolment = rec->copied_at_enrolment;
	half->enrolments = rec->enrolments;
	half->reason = rec->reason;
	half->has_room = has_been_given_room(rec);
	half->state = rec->state;
	if (rec->state == UP_PLAIN)
		return_enrolment(half); /* what it took, or what its other end took for it */
}

static __always_inline void decide_plain(struct up_sock *rec, enum up_reason reason)
{
	rec->reason = reason;
	set_state(rec, UP_PLAIN);
	if (reason != UP_REASON_PAUSED) /* a pause decides nothing about the connection */
		count_plain(rec->owner_slot, reason);
	publish(rec);
}

/*
 * The handshake's sequence numbers of a live connection: how far it has come, less what was counted since. Returns 0
 * where the counters moved under the read, and the next visit tries again (tcp_snd_una_update and tcp_rcv_nxt_update
 * write the count before the sequence number). A wrong number would find nobody: both ends must agree in 64 bits.
 */
static __always_inline int read_isn(const struct tcp_sock *tp, struct up_isn *isn)
{
	__u64 acked = tp->bytes_acked, received = tp->bytes_received;
	__u32 una = tp->snd_una, nxt = tp->rcv_nxt;

	isn->mine = una - (__u32)acked;
	isn->theirs = nxt - (__u32)received;
	barrier();
	return tp->bytes_acked == acked && tp->bytes_received == received && tp->snd_una == una && tp->rcv_nxt == nxt;
}

static __attribute__((noinline)) void leave_handshake(const struct up_isn *isn, __u64 id)
{
	struct up_isn key = *isn;
	__u64 *found = bpf_map_lookup_elem(&handshakes, &key);

	if (found && *found == id)
		bpf_map_delete_elem(&handshakes, &key);
}

/* Puts the id where the other end finds it. An entry of another socket that still lives stays. Returns 0, or -errno. */
static __attribute__((noinline)) int register_handshake(const struct up_sock *rec)
{
	struct up_isn isn = {.mine = rec->isn_mine, .theirs = rec->isn_theirs}, former;
	__u64 *found = bpf_map_lookup_elem(&handshakes, &isn), id = rec->id;
	struct up_half *half = half_of(id);

	if (!half)
		return 0;
	former = half->isn;
	if (former.mine != isn.mine || former.theirs != isn.theirs)
		leave_handshake(&former, id); /* it was connected anew */
	if (!found || (*found != id && !half_of(*found))) {
		int err = (int)bpf_map_update_elem(&handshakes, &isn, &id, BPF_ANY);

		if (err)
			return err;
	}
	half->isn = isn;
	return 0;
}

/* Nothing is kept of a socket that has gone. */
static __attribute__((noinline)) void forget(__u64 id)
{
	struct up_half *half = half_of(id);
	struct up_isn isn;

	if (!half)
		return;
	isn = half->isn;
	leave_handshake(&isn, id);
	return_enrolment(half); /* closed while it was enrolled */
	return_socket(half->uid);
	bpf_map_delete_elem(&halves, &id);
}

static __always_inline __u64 id_by(struct up_isn isn)
{
	__u64 *found = bpf_map_lookup_elem(&handshakes, &isn);

	return found ? *found : 0;
}

/*
 * The other end's id, or 0. bytes_acked of the side that connected counts its SYN, that of the side that accepted does
 * not: so a client's `mine` is one less than what its server has as `theirs`. A simultaneous open has two sides that
 * connected and is not found: it runs plain.
 */
static __attribute__((noinline)) __u64 find_other(const struct up_sock *rec)
{
	struct up_isn server = {.mine = rec->isn_theirs, .theirs = rec->isn_mine + 1};
	struct up_isn client = {.mine = rec->isn_theirs - 1, .theirs = rec->isn_mine};
	__u64 id = id_by(server);

	if (!id || !half_of(id))
		id = id_by(client);
	return id == rec->id ? 0 : id;
}

/* The other end, once it is known; NULL when it has gone. */
static __always_inline struct up_half *other_half(const struct up_sock *rec)
{
	return rec->peer_id ? half_of(rec->peer_id) : 0;
}

static __always_inline int is_same(const __u8 one[16], const __u8 two[16])
{
	const __u32 *a = (const __u32 *)one, *b = (const __u32 *)two;

	return a[0] == b[0] && a[1] == b[1] && a[2] == b[2] && a[3] == b[3];
}

static __always_inline int is_swapped(const struct up_tuple *mine, const struct up_tuple *theirs)
{
	return mine->local_port == theirs->remote_port && mine->remote_port == theirs->local_port &&
	       is_same(mine->local_addr, theirs->remote_addr) &&
	       is_same(mine->remote_addr, theirs->local_addr);
}

static __always_inline int is_loopback(const __u8 address[16])
{
	const __u32 *words = (const __u32 *)address;

	if (words[0] || words[1])
		return 0;
	return (words[2] == bpf_htonl(0xffff) && address[12] == 127) || (!words[2] && words[3] == bpf_htonl(1));
}

static __always_inline int is_within_loopback(const struct up_tuple *tuple)
{
	return is_loopback(tuple->local_addr) && is_loopback(tuple->remote_addr);
}

/*
 * Do the addresses and the namespace fit too, beside the sequence numbers? A process that can choose its sequence
 * numbers must at least own the addresses as well, in one namespace. A connection over loopback never leaves its
 * namespace. And over loopback, two connections with the same addresses and ports have sequence numbers that are not
 * far apart, since secure_tcp_seq does not look at the namespace.
 */
static __attribute__((noinline)) int is_plausible(__u64 sk, const struct up_half *half)
{
	struct up_tuple mine = {};
	struct net *net;

	if (!half)
		return 0;
	net = net_of(sk);
	tuple_of(&mine, sk);
	if (half->netns_inum != BPF_CORE_READ(net, ns.inum))
		return half->host_owned && BPF_CORE_READ(net, user_ns, level) == 0 && !is_within_loopback(&mine) &&
		       !is_within_loopback(&half->tuple);
	return is_swapped(&mine, &half->tuple);
}

/* Does the other end take this one for its own? */
static __always_inline int is_mutual(const struct up_sock *rec, const struct up_half *half)
{
	return half && half->peer_id == rec->id;
}

/* Is the reason a judgement on the traffic, which may change? */
static __always_inline int is_about_traffic(enum up_reason reason)
{
	return reason == UP_REASON_ONE_WAY || reason == UP_REASON_BEHIND || reason == UP_REASON_CONTENDED;
}

/* Can the reason pass: with the pause, by a registration, by a line of the policy, or with other traffic? */
static __always_inline int can_pass(enum up_reason reason)
{
	switch (reason) {
	case UP_REASON_PAUSED:
	case UP_REASON_NO_PEER:
	case UP_REASON_NOT_HOOKED:
	case UP_REASON_NOT_REGISTERED:
	case UP_REASON_UNTRUSTED:
		return 1;
	default:
		return is_about_traffic(reason);
	}
}

/* Why this end is plain where the other end is: a lost hook, or a lost registration, is about that end alone. */
static __always_inline enum up_reason reason_by_peer(const struct up_sock *rec, const struct up_half *half)
{
	switch (half->reason) {
	case UP_REASON_NOT_HOOKED:
		return is_hooked(rec->sk) ? UP_REASON_NO_PEER : UP_REASON_NOT_HOOKED;
	case UP_REASON_NOT_REGISTERED:
		return UP_REASON_NO_PEER;
	default:
		return half->reason;
	}
}

/* Its user had no share left, and has now. */
static __always_inline int has_share_again(const struct up_half *half)
{
	return half->reason == UP_REASON_QUOTA && has_share(half->uid);
}

struct rule_search {
	struct up_tuple tuple;
	enum up_decision decision;
};

static long match_rule(__u32 i, struct rule_search *search)
{
	struct up_rule *rule = bpf_map_lookup_elem(&rules, &i);

	if (!rule || !rule->low)
		return 1;
	if ((search->tuple.local_port < rule->low || search->tuple.local_port > rule->high) &&
	    (search->tuple.remote_port < rule->low || search->tuple.remote_port > rule->high))
		return 0;
	search->decision = rule->decision;
	return 1;
}

/* What the first rule that names one of its ports says. */
static __attribute__((noinline)) enum up_decision rule_of(__u64 sk)
{
	struct rule_search search = {.decision = UP_DECIDE_AUTO};

	tuple_of(&search.tuple, sk);
	bpf_loop(UP_MAX_RULES, match_rule, &search, 0);
	return search.decision;
}

/* NEW: looks for its other end. `out` gets the end that has to be visited as well. */
static __always_inline void pair(struct up_sock *rec, const struct tcp_sock *tp, struct up_visit *out, __u64 now)
{
	struct up_half *half;
	struct up_isn isn;
	__u64 other;
	int trust;

	if (!read_isn(tp, &isn)) {
		out->again_ns = SOON_NS;
		return;
	}
	rec->isn_mine = isn.mine;
	rec->isn_theirs = isn.theirs;
	if (register_handshake(rec)) {
		decide_plain(rec, UP_REASON_TABLE_FULL);
		return;
	}
	other = find_other(rec);
	half = other ? half_of(other) : 0;
	trust = half && is_plausible(rec->sk, half) ? trust_in(rec, half) : UP_STRANGER;
	if (trust == UP_UNTRUSTED) {
		rec->peer_id = other;
		decide_plain(rec, UP_REASON_UNTRUSTED);
		/* The other end is told soon. */
		out->peer_id = other;
		out->nudge = 1;
		return;
	}
	if (half && trust == UP_TRUSTED) {
		if (half->state == UP_PLAIN && !can_pass(half->reason) && !has_share_again(half)) {
			decide_plain(rec, half->reason);
			return;
		}
		/*
		 * An other end that is READY for this one still stands from an earlier enrolment. It would redirect to
		 * this end as soon as this is a member, whatever its reader does. So it leaves first.
		 */
		if (half->state != UP_PLAIN && half->state != UP_LEAVING &&
		    !(half->state == UP_READY && is_mutual(rec, half))) {
			rec->peer_id = other;
			rec->peer_sk = half->sk;
			rec->rule = rule_of(rec->sk);
			set_state(rec, UP_PAIRED);
			out->moved = 1;
		}
		/*
		 * The other end may have given up before this one asked (accepted late, perhaps), or not know it yet.
		 */
		out->peer_id = other;
		out->nudge = 1;
	}
	if (rec->state == UP_NEW && now - rec->looking_since_ns > no_peer_ns) {
		decide_plain(rec, UP_REASON_NO_PEER);
		return;
	}
	publish(rec); /* before the visit of the other end, which leaves if this one is not enrolled any more */
}

#endif
