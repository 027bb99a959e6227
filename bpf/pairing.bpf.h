/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Pairing: the two ends of a connection find each other by the handshake's sequence numbers, in the map `halves`, where
 * each leaves what the other has to know. Everything here is called by up_scan and up_apply, one sweep at a time.
 */
#ifndef UNDERPASS_PAIRING_H
#define UNDERPASS_PAIRING_H

/* What was written before is seen by whoever sees the new state: an atomic exchange is a full barrier. */
static __always_inline void set_state(struct up_sock *rec, __u32 state)
{
	__sync_lock_test_and_set(&rec->state, state);
}

/* From this size on messages need more room than a receive buffer has at the start. */
#define LARGE_MESSAGE 8192

static __attribute__((noinline)) void publish(const struct up_sock *rec, const struct sock *sk)
{
	struct up_isn isn = {.mine = rec->isn_mine, .theirs = rec->isn_theirs};
	struct up_half half = {
		.cookie = rec->cookie,
		.sk = rec->sk,
		.peer_cookie = rec->peer_cookie,
		.messages = messages_of(rec),
		.netns_inum = netns_of(sk),
		.copied_at_enrolment = rec->copied_at_enrolment,
		.state = rec->state,
		.reason = rec->reason,
		.host_owned = is_host_owned(sk),
		.room = (rec->flags & UP_F_ROOM ? UP_HALF_HAS_ROOM : 0) |
			(rec->average_size >= LARGE_MESSAGE ? UP_HALF_LARGE : 0),
	};

	tuple_of(&half.tuple, sk);
	/* An LRU map makes room by itself. Whoever has yet to be heard (NEW, ENROLLED, LEAVING) publishes again at each scan. */
	bpf_map_update_elem(&halves, &isn, &half, BPF_ANY);
}

static __always_inline void decide_plain(struct up_sock *rec, const struct sock *sk, __u8 reason)
{
	struct up_control *ctl = control_of();

	rec->reason = reason;
	if (ctl)
		rec->generation = ctl->generation;
	set_state(rec, UP_PLAIN);
	if (reason != UP_REASON_PAUSED) /* a pause decides nothing about the connection */
		count_plain(rec->owner_slot, reason);
	publish(rec, sk);
}

/*
 * The handshake's sequence numbers of a live connection: how far it has come, less what was counted since. Returns 0
 * where the counters moved under the read, and the next sweep tries again (tcp_snd_una_update and tcp_rcv_nxt_update
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

/*
 * The other end's half. bytes_acked of the side that connected counts its SYN, that of the side that accepted does
 * not: so a client's `mine` is one less than what its server has as `theirs`. A simultaneous open has two such
 * sides and is not found: it runs plain.
 */
static __always_inline struct up_half *other_half(const struct up_sock *rec)
{
	struct up_isn server = {.mine = rec->isn_theirs, .theirs = rec->isn_mine + 1};
	struct up_isn client = {.mine = rec->isn_theirs - 1, .theirs = rec->isn_mine};
	struct up_half *half = bpf_map_lookup_elem(&halves, &server);

	if (!half)
		half = bpf_map_lookup_elem(&halves, &client);
	if (half && half->cookie == rec->cookie)
		return 0;
	return half;
}

/* The same, if it is still the half of the socket that we took for our other end. */
static __always_inline struct up_half *known_half(const struct up_sock *rec)
{
	struct up_half *half = other_half(rec);

	return half && half->cookie == rec->peer_cookie ? half : 0;
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

/* Whoever could choose his sequence numbers must at least own the addresses as well, in one namespace. */
static __attribute__((noinline)) int is_trusted(const struct sock *sk, const struct up_half *half)
{
	struct up_tuple mine = {};

	if (half->netns_inum != netns_of(sk))
		return half->host_owned && is_host_owned(sk);
	tuple_of(&mine, sk);
	return is_swapped(&mine, &half->tuple);
}

/* Is this still the half of the socket that we took for our other end, and does it take us for its own? */
static __always_inline int is_mutual(const struct up_sock *rec, const struct up_half *half)
{
	return half && half->cookie == rec->peer_cookie && half->peer_cookie == rec->cookie;
}

/* Was it a judgement on the traffic, which may change? */
static __always_inline int is_about_traffic(__u8 reason)
{
	return reason == UP_REASON_ONE_WAY || reason == UP_REASON_BEHIND || reason == UP_REASON_CONTENDED;
}

/* Does the reason outlast a pause, a change of the set of registrations, and other traffic? */
static __always_inline int is_final(__u8 reason)
{
	return reason != UP_REASON_PAUSED && reason != UP_REASON_NO_PEER && !is_about_traffic(reason);
}

struct rule_search {
	struct up_tuple tuple;
	__u8 decision;
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
static __attribute__((noinline)) __u8 rule_of(const struct sock *sk)
{
	struct rule_search search = {.decision = UP_DECIDE_AUTO};

	tuple_of(&search.tuple, sk);
	bpf_loop(UP_MAX_RULES, match_rule, &search, 0);
	return search.decision;
}

static __always_inline void pair(struct up_sock *rec, const struct sock *sk, const struct tcp_sock *tp,
				 struct up_control *ctl, __u64 now)
{
	struct up_half *half;
	struct up_isn isn;

	ctl->unsettled++;
	if (!read_isn(tp, &isn))
		return;
	rec->isn_mine = isn.mine;
	rec->isn_theirs = isn.theirs;
	half = other_half(rec);
	if (half && is_trusted(sk, half)) {
		if (half->state == UP_PLAIN && is_final(half->reason)) {
			decide_plain(rec, sk, half->reason);
			return;
		}
		if (half->state == UP_PLAIN && half->reason == UP_REASON_NO_PEER)
			ask_for_recheck(ctl); /* it gave up before this end asked: accepted late, perhaps (is_looked_for) */
		if (half->state != UP_PLAIN && half->state != UP_LEAVING) {
			rec->peer_cookie = half->cookie;
			rec->peer_sk = half->sk;
			rec->rule = rule_of(sk);
			set_state(rec, UP_PAIRED);
			ctl->progress++;
		}
	}
	if (rec->state == UP_NEW && now - rec->since_ns > no_peer_ns) {
		decide_plain(rec, sk, UP_REASON_NO_PEER);
		return;
	}
	publish(rec, sk);
}

#endif
