/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Which flows are accelerated, by their traffic. Visits (visit.bpf.h) ask one of three questions, by the state of the
 * flow: consider(), is it time to enrol it? judge(), does it still gain? reconsider(), has its traffic changed since it
 * was taken off?
 */
#ifndef UNDERPASS_JUDGE_H
#define UNDERPASS_JUDGE_H

#include "enrol.bpf.h"
#include "flow.bpf.h"
#include "kernel.h"
#include "maps.bpf.h"
#include "pairing.bpf.h"
#include "underpass.h"

/*
 * Is it time to enrol this flow? Either it answers, or it has sent so much one way that it is a stream, whose own
 * messages will tell whether it gains. This goes by what TCP counts anyway, so a flow that never gains never pays.
 */
static __always_inline int is_ripe(const struct tcp_sock *tp)
{
	__u32 in = tp->data_segs_in, out = tp->data_segs_out;
	__u32 less = in < out ? in : out, more = in < out ? out : in;

	return take_every || less >= min_segments || more >= min_segments * one_way_factor;
}

/* The socket looks for its other end once more. */
static __always_inline void start_over(struct up_sock *rec, struct up_visit *out, __u64 now)
{
	rec->peer_sk = 0;
	rec->peer_id = 0;
	rec->looking_since_ns = now; /* the time in which the other end may answer starts here (no_peer_ns) */
	rec->average_size = 0;
	rec->reason = UP_REASON_UNDECIDED;
	rec->tx = UP_TX_TCP;
	rec->flags = 0;
	rec->reader_passed = 0;
	rec->claimed = 0;
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
 * Neither end comes into the sockhashes while either cannot: the first would pass each message, which is slower than
 * plain. The other end is only read, by its address: what stale memory answers does no harm, and a visit notices soon
 * that the end has gone.
 */
static __always_inline int is_kept_out(const struct up_sock *rec)
{
	return has_left_psock((const struct sock *)rec->sk) || has_left_psock((const struct sock *)rec->peer_sk);
}

/* PAIRED: does either end say that it is time, or that it cannot be? */
static __always_inline void consider(struct up_sock *rec, const struct tcp_sock *tp, struct up_visit *out)
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
			decide_plain(rec, reason_by_peer(rec, half));
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

static __always_inline void leave(struct up_sock *rec, enum up_reason reason, struct up_visit *out)
{
	rec->reason = reason;
	if (is_about_traffic(reason) && rec->trials < 255)
		rec->trials++;
	/* Bursts are answered, so reconsider() would come to them too soon. */
	if (reason == UP_REASON_CONTENDED && rec->trials < 2)
		rec->trials = 2;
	set_state(rec, UP_LEAVING);
	publish(rec);
	out->moved = 1; /* the other end has to leave too */
}

/*
 * PLAIN for its traffic: has that changed? A stream is tried again, ever more rarely. A flow that has become requests
 * and responses is tried sooner. And where one end has begun to look again, the other does too.
 */
static __always_inline void reconsider(struct up_sock *rec, const struct tcp_sock *tp, struct up_visit *out, __u64 now)
{
	__u32 in = tp->data_segs_in - rec->segments_in, out_segments = tp->data_segs_out - rec->segments_out;
	__u32 less = in < out_segments ? in : out_segments, more = in < out_segments ? out_segments : in;
	__u32 shift = 3 * (rec->trials < 7 ? rec->trials : 7);
	struct up_half *half = other_half(rec);
	int looks_again = half && half->state < UP_ENROLLED;

	if (half && half->state == UP_LEAVING)
		return; /* may_start_over */
	if (looks_again || more >> shift >= trial_segments ||
	    (less >> shift >= answer_segments && more / stream_factor <= less)) {
		start_over(rec, out, now);
		rec->flags |= UP_F_TRIAL;
	}
}

/*
 * Are the messages of a stream so large that it gains? Where the kernel has no large pages at hand, a write comes as
 * two messages (17 fragments at most), and the second may be tiny. Hence an average of half the largest will do, if the
 * largest is large.
 */
static __always_inline int is_large(const struct up_sock *rec, __u64 bytes, __u64 messages)
{
	__u64 largest = rec->largest > rec->average_size ? rec->largest : rec->average_size;

	if (bytes >= messages * stream_gains_size)
		return 1;
	return largest >= stream_gains_size && 2 * bytes >= messages * largest;
}

/*
 * READY: does the flow still gain? Requests and responses do. A direction that sends many messages for each one of the
 * other end is a stream, and a redirected stream gains only with large writes. A flow that mostly goes by TCP all the
 * same loses. So do answers in several messages that meet their reader at work (docs/which-flows.md). The other end
 * publishes its count in one pass, and this one judges in the next.
 */
static __always_inline void judge(struct up_sock *rec, struct up_visit *out, __u64 now)
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
	if (!(rec->flags & UP_F_JUDGEABLE)) {
		/*
		 * Until the other end has room, large messages pass, whatever the flow is. But not for ever: its owner
		 * may never give it room (tend).
		 */
		if ((is_mutual(rec, half) && half->has_room) || now - rec->enrolled_ns >= judge_without_room_ns)
			rec->flags |= UP_F_JUDGEABLE;
		begin_judging(rec, sent);
		rec->judge_at = sent + judge_messages;
		return;
	}
	if (sent < rec->judge_at || take_every || rec->rule == UP_DECIDE_REDIRECT)
		return;
	if (!(rec->flags & UP_F_JUDGE_NEXT)) {
		rec->flags |= UP_F_JUDGE_NEXT;
		out->moved = 1;
		return;
	}
	rec->flags &= ~UP_F_JUDGE_NEXT;
	if (!is_mutual(rec, half)) {
		begin_judging(rec, sent);
		rec->judge_at = sent + judge_messages;
		return;
	}
	mine = sent - rec->judged_messages;
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
