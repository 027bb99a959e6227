/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What decides which flows are taken up, and which are taken off for their traffic. Called by visits (visit.bpf.h). */
#ifndef UNDERPASS_JUDGE_H
#define UNDERPASS_JUDGE_H

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
static __always_inline void start_over(struct up_sock *rec, struct up_visit *out, __u64 now)
{
	rec->peer_sk = 0;
	rec->peer_id = 0;
	rec->since_ns = now; /* the two seconds in which somebody may answer start here */
	rec->average_size = 0;
	rec->reason = UP_REASON_UNDECIDED;
	rec->tx = UP_TX_TCP;
	rec->flags = 0;
	rec->seen = 0;
	rec->asked = 0;
	set_state(rec, UP_NEW);
	out->moved = 1;
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
static __always_inline void judge(struct up_sock *rec, const struct tcp_sock *tp, struct up_visit *out)
{
	struct up_half *half = other_half(rec);
	int ripe = rec->flags & UP_F_TRIAL || rec->rule == UP_DECIDE_REDIRECT || is_ripe(tp);

	if (rec->pinned || rec->rule == UP_DECIDE_PLAIN) {
		decide_plain(rec, rec->pinned ? UP_REASON_PINNED : UP_REASON_RULE);
		out->moved = 1;
		return;
	}
	if (is_mutual(rec, half)) {
		if (half->state == UP_PLAIN) {
			decide_plain(rec, half->reason);
			return;
		}
		if (half->state == UP_WANTED || half->state == UP_ENROLLED)
			ripe = 1;
	}
	if (ripe && !is_kept_out(rec)) {
		mark_stream(rec, tp->data_segs_out > (__u64)tp->data_segs_in * stream_factor);
		set_state(rec, UP_WANTED);
		publish(rec);
		out->moved = 1;
	}
}

static __always_inline void leave(struct up_sock *rec, __u8 reason, struct up_visit *out)
{
	rec->reason = reason;
	if (is_about_traffic(reason) && rec->trials < 255)
		rec->trials++;
	/* Bursts are answered, so reconsider() would come to them soon. */
	if (reason == UP_REASON_CONTENDED && rec->trials < 2)
		rec->trials = 2;
	set_state(rec, UP_LEAVING);
	publish(rec);
	out->moved = 1; /* the other end has to leave too */
}

/*
 * Decided against for its traffic: has that changed? A stream is tried again, ever more rarely; one that has become requests
 * and responses sooner; and where one end has begun to look again, the other does too.
 */
static __always_inline void reconsider(struct up_sock *rec, const struct tcp_sock *tp, struct up_visit *out, __u64 now)
{
	__u32 in = tp->data_segs_in - rec->segments_in, out_segments = tp->data_segs_out - rec->segments_out;
	__u32 less = in < out_segments ? in : out_segments, more = in < out_segments ? out_segments : in;
	__u32 shift = 3 * (rec->trials < 7 ? rec->trials : 7);
	struct up_half *half = other_half(rec);
	int asked = half && half->state < UP_ENROLLED;

	if (half && half->state == UP_LEAVING)
		return; /* may_ask_again */
	if (asked || more >> shift >= trial_segments || (less >> shift >= answer_segments && more / stream_factor <= less)) {
		start_over(rec, out, now);
		rec->flags |= UP_F_TRIAL;
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
 * same loses, and so do answers in several messages that meet their reader at work (docs/which-flows.md). The other end
 * says in one pass how far it is, and this one judges in the next.
 */
static __always_inline void review(struct up_sock *rec, struct up_visit *out, __u64 now)
{
	__u64 sent = messages_of(rec), mine, theirs, bytes, next;
	__s64 failed;
	__u32 contended;
	int large;
	struct up_half *half;

	half = other_half(rec);
	if (sent != rec->published) {
		rec->published = sent;
		publish(rec);
	}
	if (!(rec->flags & UP_F_JUDGED)) {
		/* Until the other end has room, what is large passes, whatever it is. But not for ever: its owner may give it none (tend). */
		if ((is_mutual(rec, half) && half->room) || now - rec->enrolled_ns >= judge_without_room_ns)
			rec->flags |= UP_F_JUDGED;
		begin_judging(rec, sent);
		rec->judge_at = sent + judge_messages;
		return;
	}
	if (sent < rec->judge_at || take_every || rec->rule == UP_DECIDE_REDIRECT)
		return;
	if (!(rec->flags & UP_F_ASKED)) {
		rec->flags |= UP_F_ASKED;
		out->moved = 1;
		return;
	}
	rec->flags &= ~UP_F_ASKED;
	if (!is_mutual(rec, half)) {
		begin_judging(rec, sent);
		rec->judge_at = sent + judge_messages;
		return;
	}
	mine = sent - rec->judged;
	theirs = half->messages - rec->peer_judged;
	rec->peer_judged = half->messages;
	failed = failed_of(rec) - (__s64)rec->judged_failed;
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
		leave(rec, UP_REASON_ONE_WAY, out);
	else if (failed > (__s64)(mine / 2))
		leave(rec, UP_REASON_BEHIND, out);
	else if (theirs * stream_factor >= mine && contended > theirs * contended_costs &&
		 rec->average_size < contended_gains_size)
		leave(rec, UP_REASON_CONTENDED, out);
}

#endif
