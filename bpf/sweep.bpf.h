/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The sweep, which the helper runs while something is undecided. up_scan visits every socket with a record, without its
 * lock: pairs it, decides, and enrols it (enrol.bpf.h says what makes that safe). up_apply (apply.bpf.h) then visits the
 * sockets of a network namespace, each under its lock, and takes them off or gives them room. The verdict reads what they
 * wrote: `state` is written last, as the hand-over.
 */
#ifndef UNDERPASS_SWEEP_H
#define UNDERPASS_SWEEP_H

/*
 * Is it time to take this flow up? It answers, or has sent so much one way that it is a stream, of which its own messages
 * will tell whether it gains. Told from what TCP counts anyway, so that a flow which never gains never pays.
 */
static __always_inline int is_ripe(const struct tcp_sock *tp)
{
	__u32 in = tp->data_segs_in, out = tp->data_segs_out;
	__u32 less = in < out ? in : out, more = in < out ? out : in;

	return take_every || less >= min_segments || more >= min_segments * one_way_factor;
}

/* Looks for its other end, once more perhaps. */
static __always_inline void start_over(struct up_sock *rec, __u64 now)
{
	rec->peer_sk = 0;
	rec->peer_cookie = 0;
	rec->since_ns = now; /* the two seconds in which somebody may answer start here */
	rec->average_size = 0;
	rec->reason = UP_REASON_UNDECIDED;
	rec->tx = UP_TX_TCP;
	rec->flags = 0;
	rec->seen = 0;
	set_state(rec, UP_NEW);
}

/* A socket seen for the first time, or a copy of its listener's record: forget what was the listener's. */
static __always_inline void start_record(struct up_sock *rec, __u64 cookie, __u64 sk, __u64 now)
{
	rec->cookie = cookie;
	rec->sk = sk;
	rec->born_ns = now;
	rec->trials = 0;
	start_over(rec, now);
}

static __always_inline void mark_stream(struct up_sock *rec, int is_stream)
{
	if (is_stream)
		rec->flags |= UP_F_STREAM;
	else
		rec->flags &= ~UP_F_STREAM;
}

/*
 * Neither end comes into the sockhashes while either cannot: the first would pass each message, which is slower than plain. The
 * other end is only looked at; if it has gone meanwhile, that is nobody's answer, and noticed soon.
 */
static __always_inline int is_kept_out(const struct up_sock *rec)
{
	return has_left_psock((const struct sock *)rec->sk) || has_left_psock((const struct sock *)rec->peer_sk);
}

/* Paired: does either end say that it is time, or that it cannot be? */
static __always_inline void judge(struct up_sock *rec, const struct sock *sk, const struct tcp_sock *tp, struct up_control *ctl)
{
	struct up_half *half = other_half(rec);
	int ripe = rec->flags & UP_F_TRIAL || rec->rule == UP_DECIDE_REDIRECT || is_ripe(tp);

	ctl->unsettled++;
	if (rec->pinned || rec->rule == UP_DECIDE_PLAIN) {
		decide_plain(rec, sk, rec->pinned ? UP_REASON_PINNED : UP_REASON_RULE);
		return;
	}
	if (is_mutual(rec, half)) {
		if (half->state == UP_PLAIN) {
			decide_plain(rec, sk, half->reason);
			return;
		}
		if (half->state == UP_WANTED || half->state == UP_ENROLLED)
			ripe = 1;
	}
	if (ripe && !is_kept_out(rec)) {
		mark_stream(rec, tp->data_segs_out > (__u64)tp->data_segs_in * stream_factor);
		set_state(rec, UP_WANTED);
		publish(rec, sk);
		ctl->progress++;
	}
}

static __always_inline void leave(struct up_sock *rec, const struct sock *sk, __u8 reason, struct up_control *ctl)
{
	rec->reason = reason;
	if (is_about_traffic(reason) && rec->trials < 255)
		rec->trials++;
	/* Bursts are answered, so reconsider() would come to them soon. */
	if (reason == UP_REASON_CONTENDED && rec->trials < 2)
		rec->trials = 2;
	set_state(rec, UP_LEAVING);
	publish(rec, sk);
	ctl->progress++;
	ask_for_recheck(ctl); /* the other end has to leave too, and may think that all is settled */
}

/*
 * Decided against for its traffic: has that changed? A stream is tried again, ever more rarely; one that has become requests
 * and responses sooner; and where one end has begun to look again, the other does too.
 */
static __always_inline void reconsider(struct up_sock *rec, const struct tcp_sock *tp, struct up_control *ctl, __u64 now)
{
	__u32 in = tp->data_segs_in - rec->segments_in, out = tp->data_segs_out - rec->segments_out;
	__u32 less = in < out ? in : out, more = in < out ? out : in;
	__u32 shift = 3 * (rec->trials < 7 ? rec->trials : 7);
	struct up_half *half = known_half(rec);
	int asked = half && half->state < UP_ENROLLED;

	ctl->unsettled++; /* nobody wakes the helper for it */
	if (half && half->state == UP_LEAVING)
		return; /* may_ask_again */
	if (asked || more >> shift >= trial_segments || (less >> shift >= answer_segments && more / stream_factor <= less)) {
		start_over(rec, now);
		rec->flags |= UP_F_TRIAL;
		ctl->progress++;
	}
}

/*
 * Are the messages of a stream so large that it gains? Where the kernel has no large pages to hand, a write comes as two
 * messages (17 fragments at most), of which the second may be tiny: hence half of the largest will do, if that is large.
 */
static __always_inline int is_large(const struct up_sock *rec, __u64 bytes, __u64 messages)
{
	__u64 largest = rec->largest > rec->average_size ? rec->largest : rec->average_size;

	return bytes >= messages * stream_gains_size || (largest >= stream_gains_size && 2 * bytes >= messages * largest);
}

/*
 * Does an accelerated flow still gain? Requests and responses do. A direction that sends many messages for each one of
 * the other end is a stream, and a redirected stream gains only with large writes; one of which most goes by TCP all the
 * same loses, and so do answers in several messages that meet their reader at work (docs/data-path.md). Both ends say in one
 * pass how far they are, and judge in the next.
 */
static __always_inline void review(struct up_sock *rec, const struct sock *sk, struct up_control *ctl)
{
	__u64 sent = messages_of(rec), mine, theirs, passed, bytes, next;
	__u32 contended;
	int large;
	struct up_half *half;

	if (sent != rec->published) {
		rec->published = sent;
		publish(rec, sk);
	}
	if (!(rec->flags & UP_F_JUDGED)) {
		/* Until both ends have room, what is large passes, whatever it is. */
		half = other_half(rec);
		if (rec->flags & UP_F_ROOM && is_mutual(rec, half) && half->room & UP_HALF_HAS_ROOM)
			rec->flags |= UP_F_JUDGED;
		begin_judging(rec, sent);
		rec->judge_at = sent + judge_messages;
		return;
	}
	if (sent < rec->judge_at || take_every || rec->rule == UP_DECIDE_REDIRECT)
		return;
	if (!(rec->flags & UP_F_ASKED)) {
		rec->flags |= UP_F_ASKED;
		ctl->progress++;
		return;
	}
	rec->flags &= ~UP_F_ASKED;
	half = other_half(rec);
	if (!is_mutual(rec, half))
		return;
	mine = sent - rec->judged;
	theirs = half->messages - rec->peer_judged;
	rec->peer_judged = half->messages;
	passed = rec->tx_counters.passed_messages - rec->judged_passed;
	contended = rec->contended - rec->judged_contended;
	bytes = bytes_of(rec) - rec->judged_bytes;
	begin_judging(rec, sent);
	large = is_large(rec, bytes, mine);
	rec->largest = 0;
	next = mine * 4;
	if (next > judge_messages_max)
		next = judge_messages_max;
	if (next < judge_messages)
		next = judge_messages;
	rec->judge_at = sent + next;
	mark_stream(rec, theirs * stream_factor < mine);
	if (theirs * stream_factor < mine && !large)
		leave(rec, sk, UP_REASON_ONE_WAY, ctl);
	else if (passed > mine / 2)
		leave(rec, sk, UP_REASON_BEHIND, ctl);
	else if (theirs * stream_factor >= mine && contended > theirs * contended_costs &&
		 rec->average_size < contended_gains_size)
		leave(rec, sk, UP_REASON_CONTENDED, ctl);
}

/*
 * Enrolled: once the other end is too, the verdict may redirect; each end learns the other's copied_at_enrolment. And
 * later, when there is reason to ask: is the other end still as it was then? One that was taken off and enrolled again may
 * have a reader that never looked at the psock queue.
 */
static __always_inline void hand_over(struct up_sock *rec, const struct sock *sk, struct up_control *ctl, __u64 now)
{
	struct up_half *half = other_half(rec);

	if (rec->pinned) {
		leave(rec, sk, UP_REASON_PINNED, ctl);
		return;
	}
	if (is_mutual(rec, half)) {
		if (half->state == UP_PLAIN || half->state == UP_LEAVING) {
			leave(rec, sk, half->reason, ctl);
			return;
		}
		if (rec->state == UP_READY && half->state >= UP_ENROLLED &&
		    half->copied_at_enrolment != rec->peer_copied_at_enrolment) {
			leave(rec, sk, UP_REASON_PAUSED, ctl);
			return;
		}
		if (rec->state == UP_READY && half->state == UP_READY) {
			rec->flags |= UP_F_SETTLED;
			return;
		}
		if (rec->state == UP_ENROLLED && (half->state == UP_ENROLLED || half->state == UP_READY)) {
			rec->peer_copied_at_enrolment = half->copied_at_enrolment;
			rec->reason = rec->rule == UP_DECIDE_REDIRECT ? UP_REASON_RULE : UP_REASON_NONE;
			set_state(rec, UP_READY);
			ctl->progress++;
		}
	}
	if (rec->state == UP_ENROLLED) {
		/* It would pass every message, which is slower than plain. */
		if (now - rec->enrolled_ns > no_peer_ns) {
			leave(rec, sk, UP_REASON_NO_PEER, ctl);
			return;
		}
		ctl->unsettled++;
	}
	publish(rec, sk);
}

/*
 * The answer of one that has left already, to one that still asks: its half may have been pushed out of `halves` before the other
 * one looked.
 */
static __always_inline void answer_again(const struct up_sock *rec, const struct sock *sk)
{
	struct up_half *half = known_half(rec);

	if (half && half->state == UP_LEAVING)
		publish(rec, sk);
}

static __always_inline void pend(struct seq_file *seq, const struct sock *sk, const struct up_sock *rec, struct up_control *ctl)
{
	struct up_pending row = {
		.netns_inum = netns_of(sk),
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
static __always_inline void let_go(struct up_sock *rec, const struct sock *sk, struct up_control *ctl)
{
	__u8 reason = rec->repaired ? UP_REASON_UNSUPPORTED : ctl->paused ? UP_REASON_PAUSED : UP_REASON_NO_PEER;

	if (rec->state == UP_ENROLLED || rec->state == UP_READY)
		leave(rec, sk, reason, ctl);
	else if (rec->state != UP_PLAIN && rec->state != UP_LEAVING)
		decide_plain(rec, sk, reason);
}

/*
 * Nobody answered in time, but the other end has come since. Only where pairing can go on from there: two ends that each find the
 * other one new, and give up again, would go on for ever.
 */
static __always_inline int is_looked_for(const struct up_sock *rec, const struct sock *sk)
{
	struct up_half *half = other_half(rec);

	return half && half->state == UP_NEW && is_trusted(sk, half) && is_hooked(sk);
}

/*
 * A pause is over, or other processes have registered since nobody answered. But not while the other end still leaves the last
 * acceleration: it waits until this one is seen to be plain (is_let_go), which may take as long as its reader.
 */
static __always_inline int may_ask_again(const struct up_sock *rec, const struct sock *sk, struct up_control *ctl)
{
	struct up_half *half;

	if (rec->reason == UP_REASON_NO_PEER && rec->generation == ctl->generation)
		return ctl->recheck && is_looked_for(rec, sk);
	if (rec->reason != UP_REASON_PAUSED && rec->reason != UP_REASON_NO_PEER)
		return 0;
	half = known_half(rec);
	if (!half || half->state != UP_LEAVING)
		return 1;
	ctl->unsettled++;
	return 0;
}

SEC("iter/bpf_sk_storage_map")
int up_scan(struct bpf_iter__bpf_sk_storage_map *ctx)
{
	struct up_control *ctl = control_of();
	struct up_sock *rec = ctx->value;
	struct sock *sk = ctx->sk;
	struct tcp_sock *tp;
	__u32 tcp_state;
	__u64 now, cookie;

	if (!ctl || !rec || !sk)
		return 0;
	ctl->visited++;
	/* Listeners and sockets yet to connect too: what comes of them inherits whose it is. */
	if (ctl->dismiss_id && ctl->dismiss_id == rec->owner_id) {
		rec->owner_id = 0; /* nobody's, until a registration claims it again */
		rec->owner_slot = 0;
	}
	tcp_state = sk->__sk_common.skc_state;
	if (is_enrolled(rec->state)) {
		/*
		 * A finished connection is in no hash that up_apply could find it in: it leaves when it is closed. But not when the
		 * helper stops: its psock keeps the verdict, which keeps the maps, for as long as its program does not close it.
		 * Nobody redirects to it any more (is_shut), so an empty queue stays empty.
		 */
		if (tcp_state == BPF_TCP_CLOSE) {
			if (psock_queued(sk))
				ctl->enrolled++;
			else if (ctl->paused) {
				leave_maps(rec);
				rec->reason = UP_REASON_PAUSED;
				set_state(rec, UP_PLAIN);
			}
			return 0;
		}
		ctl->enrolled++;
	} else {
		if (ctl->recheck && rec->state == UP_PLAIN)
			answer_again(rec, sk);
		if (tcp_state != BPF_TCP_ESTABLISHED)
			return 0;
	}
	tp = bpf_skc_to_tcp_sock(sk);
	if (!tp)
		return 0;
	now = bpf_ktime_get_ns();
	cookie = bpf_get_socket_cookie(sk);
	if (rec->cookie != cookie)
		start_record(rec, cookie, (__u64)sk, now);

	if (ctl->paused || !rec->owner_id || rec->repaired)
		let_go(rec, sk, ctl);
	else if (rec->state == UP_PLAIN && may_ask_again(rec, sk, ctl))
		start_over(rec, now);
	else if (rec->state == UP_PLAIN && is_about_traffic(rec->reason))
		reconsider(rec, tp, ctl, now);

	if (rec->state == UP_NEW)
		pair(rec, sk, tp, ctl, now);
	if (rec->state == UP_PAIRED)
		judge(rec, sk, tp, ctl);
	if (rec->state == UP_WANTED)
		enrol(rec, sk, tp, ctl, now);
	if (rec->state == UP_ENROLLED || (rec->state == UP_READY && (ctl->dismiss_id || ctl->recheck || rec->pinned ||
								       !(rec->flags & UP_F_SETTLED))))
		hand_over(rec, sk, ctl, now);
	if (rec->state == UP_READY)
		review(rec, sk, ctl);
	if (wants_room(rec, now))
		rec->flags |= UP_F_WANTS_ROOM;
	if (rec->state == UP_LEAVING) {
		publish(rec, sk); /* its half may have been pushed out, */
		if (!(rec->flags & UP_F_LET_GO))
			ask_for_recheck(ctl); /* before the other end has seen it */
	}
	if (rec->state == UP_LEAVING || rec->flags & UP_F_WANTS_ROOM)
		pend(ctx->meta->seq, sk, rec, ctl);
	return 0;
}

#endif
