/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The sweep, which the helper runs while something is undecided. up_scan visits every socket with a record, without
 * locks: pairs it, and decides. up_apply (apply.bpf.h) then visits the sockets of a network namespace, each under its
 * lock, and enrols them or takes them off. The verdict reads what they wrote: `state` is written last, as the hand-over.
 */
#ifndef UNDERPASS_SWEEP_H
#define UNDERPASS_SWEEP_H

/* What was written before is seen by whoever sees the new state: an atomic exchange is a full barrier. */
static __always_inline void set_state(struct up_sock *rec, __u32 state)
{
	__sync_lock_test_and_set(&rec->state, state);
}

static __always_inline void publish(const struct up_sock *rec)
{
	struct up_isn isn = {.mine = rec->isn_mine, .theirs = rec->isn_theirs};
	struct up_half half = {
		.cookie = rec->cookie,
		.sk = rec->sk,
		.copied_at_enrolment = rec->copied_at_enrolment,
		.state = rec->state,
		.reason = rec->reason,
	};

	/* An LRU map makes room by itself; if even that fails, the next sweep publishes again. */
	bpf_map_update_elem(&halves, &isn, &half, BPF_ANY);
}

static __always_inline void decide_plain(struct up_sock *rec, __u8 reason)
{
	struct up_control *ctl = control_of();

	rec->reason = reason;
	if (ctl)
		rec->generation = ctl->generation;
	set_state(rec, UP_PLAIN);
	if (reason != UP_REASON_PAUSED) /* a pause decides nothing about the connection */
		count_plain(rec->owner_slot, reason);
	publish(rec);
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

enum kind { KIND_UNDECIDED, KIND_GAINS, KIND_ONE_WAY };

/* Would this flow gain? Told from what TCP counts anyway, so that a flow which never gains never pays. */
static __always_inline int kind_of(const struct tcp_sock *tp)
{
	__u32 in = tp->data_segs_in, out = tp->data_segs_out;
	__u32 less = in < out ? in : out, more = in < out ? out : in;

	if (take_every)
		return KIND_GAINS;
	if (less >= min_segments && more / one_way_factor <= less)
		return KIND_GAINS;
	if (more >= min_segments * one_way_factor)
		return KIND_ONE_WAY;
	return KIND_UNDECIDED;
}

/* A socket seen for the first time, or a copy of its listener's record: forget what was the listener's. */
static __always_inline void start_record(struct up_sock *rec, __u64 cookie, __u64 sk, __u64 now)
{
	rec->cookie = cookie;
	rec->sk = sk;
	rec->peer_sk = 0;
	rec->peer_cookie = 0;
	rec->born_ns = now; /* the two seconds in which somebody may answer start here */
	rec->average_size = 0;
	rec->reason = UP_REASON_UNDECIDED;
	rec->tx = UP_TX_TCP;
	rec->flags = 0;
	rec->seen = 0;
	set_state(rec, UP_NEW);
}

/* Does the reason outlast a pause, and a change of the set of registrations? */
static __always_inline int is_final(__u8 reason)
{
	return reason != UP_REASON_PAUSED && reason != UP_REASON_NO_PEER;
}

static __always_inline void pair(struct up_sock *rec, const struct tcp_sock *tp, struct up_control *ctl, __u64 now)
{
	struct up_half *half;
	struct up_isn isn;

	ctl->unsettled++;
	if (!read_isn(tp, &isn))
		return;
	rec->isn_mine = isn.mine;
	rec->isn_theirs = isn.theirs;
	half = other_half(rec);
	if (half && half->state == UP_PLAIN && is_final(half->reason)) {
		decide_plain(rec, half->reason);
		return;
	}
	if (half && half->state != UP_PLAIN && half->state != UP_LEAVING) {
		rec->peer_cookie = half->cookie;
		rec->peer_sk = half->sk;
		set_state(rec, UP_PAIRED);
		ctl->progress++;
	} else if (now - rec->born_ns > no_peer_ns) {
		decide_plain(rec, UP_REASON_NO_PEER);
		return;
	}
	publish(rec);
}

/* Paired: does either end say that the flow gains, or that it cannot be? */
static __always_inline void judge(struct up_sock *rec, const struct tcp_sock *tp, struct up_control *ctl)
{
	struct up_half *half = other_half(rec);
	int kind = kind_of(tp);

	ctl->unsettled++;
	if (half && half->cookie == rec->peer_cookie) {
		if (half->state == UP_PLAIN) {
			decide_plain(rec, half->reason);
			return;
		}
		if (half->state == UP_WANTED || half->state == UP_ENROLLED)
			kind = KIND_GAINS;
	}
	if (kind == KIND_GAINS) {
		rec->reason = UP_REASON_UNDECIDED;
		set_state(rec, UP_WANTED);
		publish(rec);
		ctl->progress++;
	} else if (kind == KIND_ONE_WAY && !(rec->flags & UP_F_ONE_WAY)) {
		rec->flags |= UP_F_ONE_WAY;
		rec->reason = UP_REASON_ONE_WAY;
		count_plain(rec->owner_slot, UP_REASON_ONE_WAY);
	}
}

static __always_inline void leave(struct up_sock *rec, __u8 reason, struct up_control *ctl)
{
	rec->reason = reason;
	set_state(rec, UP_LEAVING);
	publish(rec);
	ctl->progress++;
}

/* Enrolled: once the other end is too, the verdict may redirect. Each end learns the other's copied_at_enrolment. */
static __always_inline void hand_over(struct up_sock *rec, struct up_control *ctl)
{
	struct up_half *half = other_half(rec);

	if (half && half->cookie == rec->peer_cookie) {
		if (half->state == UP_PLAIN || half->state == UP_LEAVING) {
			leave(rec, half->reason, ctl);
			return;
		}
		if (rec->state == UP_READY && half->state == UP_READY) {
			rec->flags |= UP_F_SETTLED;
			return;
		}
		if (rec->state == UP_ENROLLED && (half->state == UP_ENROLLED || half->state == UP_READY)) {
			rec->peer_copied_at_enrolment = half->copied_at_enrolment;
			rec->reason = UP_REASON_NONE;
			set_state(rec, UP_READY);
			ctl->progress++;
		}
	}
	if (rec->state == UP_ENROLLED)
		ctl->unsettled++;
	publish(rec);
}

static __always_inline void pend(struct seq_file *seq, const struct sock *sk, const struct up_sock *rec, struct up_control *ctl)
{
	struct up_pending row = {
		.netns_inum = sk->__sk_common.skc_net.net->ns.inum,
		.owner_tgid = rec->owner_tgid,
		.state = rec->state,
	};

	ctl->pending++;
	ctl->unsettled++;
	bpf_seq_write(seq, &row, sizeof(row)); /* no room: the kernel visits this socket again with a new buffer */
}

static __always_inline int is_enrolled(__u32 state)
{
	return state == UP_ENROLLED || state == UP_READY || state == UP_LEAVING;
}

/* The helper stops, or the owner is not registered any more: back to TCP. */
static __always_inline void let_go(struct up_sock *rec, struct up_control *ctl)
{
	__u8 reason = ctl->paused ? UP_REASON_PAUSED : UP_REASON_NO_PEER;

	if (rec->state == UP_ENROLLED || rec->state == UP_READY)
		leave(rec, reason, ctl);
	else if (rec->state != UP_PLAIN && rec->state != UP_LEAVING)
		decide_plain(rec, reason);
}

/* A pause is over, or other processes have registered since nobody answered. */
static __always_inline int may_ask_again(const struct up_sock *rec, const struct up_control *ctl)
{
	return rec->reason == UP_REASON_PAUSED ||
	       (rec->reason == UP_REASON_NO_PEER && rec->generation != ctl->generation);
}

SEC("iter/bpf_sk_storage_map")
int up_scan(struct bpf_iter__bpf_sk_storage_map *ctx)
{
	struct up_control *ctl = control_of();
	struct up_sock *rec = ctx->value;
	struct sock *sk = ctx->sk;
	struct tcp_sock *tp;
	__u32 tcp_state, queued;
	__u64 now, cookie;

	if (!ctl || !rec || !sk)
		return 0;
	ctl->visited++;
	tcp_state = sk->__sk_common.skc_state;
	if (is_enrolled(rec->state)) {
		queued = psock_queued(sk);
		ctl->queued += queued;
		/* A finished connection is in no hash that up_apply could find it in: it leaves when it is closed. */
		if (tcp_state == BPF_TCP_CLOSE) {
			ctl->enrolled += queued != 0;
			return 0;
		}
		ctl->enrolled++;
	} else if (tcp_state != BPF_TCP_ESTABLISHED) {
		return 0;
	}
	tp = bpf_skc_to_tcp_sock(sk);
	if (!tp)
		return 0;
	now = bpf_ktime_get_ns();
	cookie = bpf_get_socket_cookie(sk);
	if (rec->cookie != cookie)
		start_record(rec, cookie, (__u64)sk, now);

	if (ctl->dismiss_id && ctl->dismiss_id == rec->owner_id) {
		rec->owner_id = 0; /* nobody's, until a registration claims it again */
		rec->owner_slot = 0;
	}
	if (ctl->paused || !rec->owner_id)
		let_go(rec, ctl);
	else if (rec->state == UP_PLAIN && may_ask_again(rec, ctl))
		start_record(rec, cookie, (__u64)sk, now);

	if (rec->state == UP_NEW)
		pair(rec, tp, ctl, now);
	if (rec->state == UP_PAIRED)
		judge(rec, tp, ctl);
	if (rec->state == UP_ENROLLED || (rec->state == UP_READY && (ctl->dismiss_id || !(rec->flags & UP_F_SETTLED))))
		hand_over(rec, ctl);
	if (rec->state == UP_WANTED || rec->state == UP_LEAVING)
		pend(ctx->meta->seq, sk, rec, ctl);
	return 0;
}

#endif
