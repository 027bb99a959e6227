/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * up_verdict decides for each message whether it is redirected to the peer's psock queue or goes by TCP.
 * It runs under the sender's socket lock, so the sender's own fields and its record's verdict part stand still.
 *
 * tcp_bpf_recvmsg reads the psock queue before the TCP queue. Hence the rule:
 *   redirect -> TCP at any moment: what is in the psock queue is older, and read first;
 *   TCP -> redirect only when everything that went by TCP has been read: snd_una == write_seq here, copied_seq of the
 *   peer equal to that. And only after the peer has read at least one byte by TCP since its enrolment, because a reader
 *   that was blocked in plain tcp_recvmsg at the enrolment never looks at the psock queue.
 */
#ifndef UNDERPASS_VERDICT_H
#define UNDERPASS_VERDICT_H

#include <linux/bpf.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "back_pressure.bpf.h"
#include "flow.bpf.h"
#include "kernel.h"
#include "maps.bpf.h"
#include "underpass.h"

/* Has a layer above TCP, such as kernel TLS, come after the enrolment? What it sends is not what is written. */
static __always_inline int has_ulp(const struct up_sock *rec)
{
	return READ_AT(struct inet_connection_sock, rec->sk, icsk_ulp_ops) ||
	       READ_AT(struct inet_connection_sock, rec->peer_sk, icsk_ulp_ops);
}

/*
 * Has nothing gone by TCP since this direction was redirected? A write by TCP passes the verdict, which then leaves
 * UP_TX_REDIRECT. But a FIN has a sequence number too, and so has what another layer sends.
 */
static __always_inline int is_redirected(const struct up_sock *rec)
{
	return rec->tx == UP_TX_REDIRECT &&
	       (FAULT(HALF_CLOSE) || READ_AT(struct tcp_sock, rec->sk, write_seq) == rec->written);
}

/* May this direction change from TCP to redirect now? */
static __always_inline int is_drained(struct up_sock *rec)
{
	__u32 written = READ_AT(struct tcp_sock, rec->sk, write_seq), read;

	if (FAULT(ORDER))
		return 1;
	if (READ_AT(struct tcp_sock, rec->sk, snd_una) != written)
		return 0;
	read = READ_AT(struct tcp_sock, rec->peer_sk, copied_seq);
	if (read != written)
		return 0;
	if (read != rec->peer_copied_at_enrolment)
		rec->reader_passed = 1; /* kept, since the sequence number may come round to the same value */
	return rec->reader_passed || FAULT(READER);
}

/*
 * A thirteenth of keep_alive_ns at 100 ticks a second, the fewest, and less otherwise. A shift costs less than a
 * division.
 */
#define TICKS_BETWEEN_LOOKS (keep_alive_ns >> 27)

/*
 * Is it time to send a message by TCP? A redirected flow looks idle to what stands between its ends and remembers
 * connections: the connection tracking of NAT forgets it, and what then goes by TCP meets a reset. So a direction in
 * use sends a message by TCP now and then. To look at a clock takes a fifth of the verdict's time. The count of ticks
 * costs next to nothing, so it says when to look.
 */
static __always_inline int is_time_for_tcp(struct up_sock *rec)
{
	__u32 ticks = bpf_jiffies64();

	if (rec->tx != UP_TX_REDIRECT || ticks - rec->looked_at < TICKS_BETWEEN_LOOKS)
		return 0;
	rec->looked_at = ticks;
	return bpf_ktime_get_coarse_ns() - rec->redirects_since_ns >= keep_alive_ns;
}

/*
 * Is this end shut for sending, or the peer for receiving? tcp_bpf_sendmsg does not look at the first; TCP answers with
 * EPIPE. Nor does a redirect look at the second; TCP answers with a reset. A close that was running with plain TCP's
 * functions during the enrolment leaves such a peer in the sockhash until the connection has ended.
 */
static __always_inline int is_shut(const struct up_sock *rec)
{
	return !FAULT(HALF_CLOSE) && ((READ_AT(struct sock, rec->sk, sk_shutdown) & SEND_SHUTDOWN) ||
				      (READ_AT(struct sock, rec->peer_sk, sk_shutdown) & RCV_SHUTDOWN));
}

/*
 * The answer for most messages, from what the kernel is about to touch anyway. Anything unusual is left to
 * may_redirect.
 *
 * The verdict reads the peer by its address, here and in may_redirect, and does not ask whether the peer is still
 * there: the memory of a closed socket may hold another one. The redirect finds the peer by its id, which is never
 * another socket's. Where it finds the peer, the peer has lived all the time, and the reads were its own. Where it does
 * not, the message goes by TCP.
 */
static __always_inline int goes_on(struct up_sock *rec, __u32 size)
{
	if (!is_redirected(rec) || is_shut(rec))
		return 0;
	/* A layer above TCP would have put its own functions there. */
	if (READ_AT(struct sock, rec->sk, __sk_common.skc_prot) != (struct proto *)rec->prot ||
	    READ_AT(struct sock, rec->peer_sk, __sk_common.skc_prot) != (struct proto *)rec->prot)
		return 0;
	/* Then limit_of would allow it too. */
	if (held_by(rec->peer_sk) || size > LEAST_ROOM ||
	    (__u32)READ_AT(struct sock, rec->peer_sk, sk_rcvbuf) / 4 <= LEAST_ROOM)
		return 0;
	rec->queued = 0;
	/* The peer's memory is in no cgroup, and TCP in all has enough; or else peer_may_charge looks closer. */
	return (!READ_AT(struct sock, rec->peer_sk, sk_memcg) && !READ_AT(struct list_head, rec->pressure, next)) ||
	       peer_may_charge(rec, size);
}

/* The answer for all other messages. A function of its own, so that goes_on stays short. */
static __attribute__((noinline)) int may_redirect(struct up_sock *rec, __u32 size)
{
	if (!rec)
		return 0;
	if (is_shut(rec))
		return 0;
	/* A socket that was disconnected and connected again (AF_UNSPEC) is another connection, with the same id. */
	if (READ_AT(struct tcp_sock, rec->sk, snd_una) - (__u32)READ_AT(struct tcp_sock, rec->sk, bytes_acked) !=
	    rec->isn_mine)
		return 0;
	if (!has_room(rec, size) || !peer_may_charge(rec, size) || has_ulp(rec))
		return 0;
	return is_redirected(rec) || is_drained(rec);
}

static __attribute__((noinline)) int switch_tx(struct up_sock *rec, __u8 tx)
{
	struct up_totals *sum;

	if (!rec)
		return 0;
	sum = totals_of(rec->owner_slot);
	if (tx == UP_TX_REDIRECT)
		rec->written = READ_AT(struct tcp_sock, rec->sk, write_seq);
	if (rec->tx == tx)
		return 0;
	rec->tx = tx;
	if (tx == UP_TX_REDIRECT) {
		rec->redirects_since_ns = bpf_ktime_get_coarse_ns();
		rec->looked_at = bpf_jiffies64();
	}
	rec->tx_counters.switches++;
	if (sum)
		sum->tx.switches++;
	return 0;
}

/* The average starts at the first size, then goes an eighth of the way to each next one; down, at least by a byte. */
static __always_inline void average_in(struct up_sock *rec, __u32 size)
{
	if (size == rec->average_size)
		return;
	if (size > rec->largest)
		rec->largest = size;
	if (!rec->average_size)
		rec->average_size = size;
	else if (size < rec->average_size)
		rec->average_size -= (rec->average_size - size + 7) / 8;
	else
		rec->average_size += (size - rec->average_size) / 8;
}

static __always_inline void count_redirected(struct up_sock *rec, __u32 size)
{
	struct up_totals *sum = totals_of(rec->owner_slot);

	average_in(rec, size);
	if (sum) {
		if (!rec->tx_counters.redirected_messages)
			sum->connections_accelerated++;
		sum->tx.redirected_bytes += size;
		sum->tx.redirected_messages++;
	}
	rec->queued++;
	rec->tx_counters.redirected_bytes += size;
	rec->tx_counters.redirected_messages++;
}

static __always_inline void count_passed(struct up_sock *rec, __u32 size)
{
	struct up_totals *sum = totals_of(rec->owner_slot);

	average_in(rec, size);
	rec->tx_counters.passed_bytes += size;
	rec->tx_counters.passed_messages++;
	if (sum) {
		sum->tx.passed_bytes += size;
		sum->tx.passed_messages++;
	}
}

/*
 * Does this redirect meet the peer in the lock of its own socket, where the peer copies what came before? Then the
 * sender sleeps until that is done (bpf_tcp_ingress, lock_sock), and has to be woken. That costs more than several
 * messages gain, and only happens on two processors. A reader that waits by epoll, whose entry stands in the wait queue
 * of its socket, sleeps as well as soon as it has caught up. So each such meeting costs POLLED_READER times as much as
 * that of a reader that looks without sleeping (measured: docs/which-flows.md).
 */
#define POLLED_READER 8

static __always_inline void count_contended(struct up_sock *rec)
{
	struct socket_wq *wq;
	__u64 first;

	if (!READ_AT(struct sock, rec->peer_sk, sk_lock.owned))
		return;
	wq = READ_AT(struct sock, rec->peer_sk, sk_wq);
	first = (__u64)READ_AT(struct socket_wq, wq, wait.head.next);
	rec->contended += first && first != (__u64)&wq->wait.head ? POLLED_READER : 1;
}

extern void *bpf_cast_to_kern_ctx(void *ctx) __ksym __weak;

/*
 * Is this what is left of a message whose first part was redirected, before the receiver's memory was at its limit? The
 * kernel asks again about the rest (tcp_bpf_send_verdict, more_data). Before 6.2 a program cannot tell.
 */
static __always_inline int is_rest(struct sk_msg_md *msg)
{
	if (!bpf_cast_to_kern_ctx)
		return 0;
	return ((struct sk_msg *)bpf_cast_to_kern_ctx(msg))->sk_redir != 0;
}

/* The whole message was counted as redirected; takes the rest off again. */
static __attribute__((noinline)) int uncount_rest(struct up_sock *rec, __u32 size)
{
	struct up_totals *sum;

	if (!rec)
		return 0;
	sum = totals_of(rec->owner_slot);
	rec->tx_counters.redirected_bytes -= size;
	if (sum)
		sum->tx.redirected_bytes -= size;
	return 0;
}

/*
 * How a message goes by TCP after one that was redirected. It may be the rest of that message, and the kernel still
 * knows where it redirected that: to answer "pass" would redirect again, to a socket without a reference. And the
 * kernel remembers a drop: the socket could never send again (psock->eval, which __SK_DROP leaves as it is). So this
 * redirects the message to the sending side of its own socket: that is TCP.
 */
static __always_inline int pass_after_redirect(struct sk_msg_md *msg, const struct up_sock *rec, int rest)
{
	__u64 key = rec->id;

	if (bpf_msg_redirect_hash(msg, &members, &key, 0) == SK_PASS)
		return SK_PASS;
	/* Not a member: it was taken off while the first part was on the way, and its next write has no verdict. */
	return rest ? SK_DROP : SK_PASS;
}

/* What the knob `fault` makes of a message that could be redirected: it passes, or goes to its own sender. */
static __always_inline int is_kept_back(__u32 size)
{
	return FAULT(PASS) || (FAULT(LARGE) && size > 1);
}

static __always_inline int goes_astray(__u32 size)
{
	return FAULT(LOST) || (FAULT(WAKE) && size > 1);
}

/*
 * Names the flow to the helper when it is to be judged. It looks every 64 messages only (judge_mask), so that it costs
 * next to nothing. A rule that keeps the flow leaves nothing to judge.
 */
static __always_inline void call_for_judgement(struct up_sock *rec)
{
	__u64 sent = messages_of(rec);

	if (!(sent & judge_mask) && sent >= rec->judge_at && rec->state == UP_READY && rec->rule != UP_DECIDE_REDIRECT)
		notify(rec);
}

SEC("sk_msg")
int up_verdict(struct sk_msg_md *msg)
{
	struct up_control *ctl = control_of();
	__u32 size = msg->size;
	struct up_sock *rec;
	__u64 key;
	int as_before, after_redirect, time_for_tcp, rest = is_rest(msg);

	rec = bpf_sk_storage_get(&socks, msg->sk, 0, 0);
	if (!rec || !ctl)
		return SK_PASS;
	if (rest)
		uncount_rest(rec, size);
	time_for_tcp = is_time_for_tcp(rec);
	if (rec->state == UP_READY && !rec->pinned && (!ctl->paused || FAULT(PAUSE)) && !time_for_tcp &&
	    !is_kept_back(size)) {
		as_before = goes_on(rec, size);
		if (as_before || may_redirect(rec, size)) {
			key = goes_astray(size) ? rec->id : rec->peer_id;
			count_contended(rec);
			/*
			 * SK_DROP means that the peer is not a member (any more). It must not be returned: send() would
			 * fail.
			 */
			if (bpf_msg_redirect_hash(msg, &members, &key, BPF_F_INGRESS) == SK_PASS) {
				if (!as_before)
					switch_tx(rec, UP_TX_REDIRECT);
				count_redirected(rec, size);
				call_for_judgement(rec);
				return SK_PASS;
			}
		}
	}
	/*
	 * A rest follows a redirect, whatever tx says: a visit may have begun the record anew in between (start_over).
	 */
	after_redirect = rest || rec->tx == UP_TX_REDIRECT || FAULT(REST);
	switch_tx(rec, UP_TX_TCP);
	count_passed(rec, size);
	rec->kept_alive += time_for_tcp;
	call_for_judgement(rec);
	return after_redirect ? pass_after_redirect(msg, rec, rest) : SK_PASS;
}

#endif
