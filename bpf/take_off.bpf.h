/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Taking a socket off. The socket leaves the sockhashes, which frees its psock, and with it what is queued or about to
 * be queued. So three things have to hold. No verdict redirects to it any more (nobody_redirects_to, and the helper has
 * let an RCU grace period pass since). No message is on the way to it (may_be_on_the_way). Nothing is queued.
 *
 * The owner lock of the socket is not held, nor needed. The owner may be in a send, a receive or a close at this very
 * moment, as it may when user space deletes a key of a sockhash. A thread that is inside holds a reference of the
 * psock, which stays until the thread is done (sk_psock_get, sk_psock_put). A thread that comes later finds no psock,
 * and the functions of plain TCP.
 */
#ifndef UNDERPASS_TAKE_OFF_H
#define UNDERPASS_TAKE_OFF_H

#include <linux/bpf.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "enrol.bpf.h"
#include "flow.bpf.h"
#include "kernel.h"
#include "maps.bpf.h"
#include "pairing.bpf.h"
#include "underpass.h"

/* The references of the socket that its timers hold, each while it is pending. */
static __always_inline int timer_refs(const struct tcp_sock *tp)
{
	const struct inet_connection_sock *icsk = &tp->inet_conn;
	int refs = 0;

	refs += icsk->icsk_inet.sk.sk_timer.entry.pprev != 0;
	refs += icsk->icsk_delack_timer.entry.pprev != 0;
	if (bpf_core_field_exists(icsk->icsk_retransmit_timer))
		refs += icsk->icsk_retransmit_timer.entry.pprev != 0;
	if (bpf_core_field_exists(icsk->icsk_keepalive_timer))
		refs += icsk->icsk_keepalive_timer.entry.pprev != 0;
	/* Congestion control that paces (BBR) has the first of these pending for nearly as long as a stream runs. */
	refs += tp->pacing_timer.state != 0;
	refs += tp->compressed_ack_timer.state != 0;
	return refs;
}

static __always_inline int is_member(__u64 id)
{
	struct bpf_sock *sk = bpf_map_lookup_elem(&members, &id);

	if (!sk)
		return 0;
	bpf_sk_release(sk);
	return 1;
}

/*
 * Can no verdict redirect to this socket any more? All verdicts are paused, or its other end has left, or has gone. A
 * visit has seen that before the grace period, and only visits change `halves`.
 */
static __attribute__((noinline)) int nobody_redirects_to(const struct up_sock *rec)
{
	struct up_control *ctl = control_of();
	struct up_half *half;

	if (!rec)
		return 0;
	if (ctl && ctl->paused)
		return 1;
	half = other_half(rec);
	if (half)
		return !is_mutual(rec, half) || !is_enrolled(half->state) || half->state == UP_LEAVING;
	return !rec->peer_id || !is_member(rec->peer_id);
}

/* A number that moves whenever the owner, or a packet, can have stopped a timer and started it again. */
static __always_inline __u64 progress_of(const struct tcp_sock *tp)
{
	return ((__u64)tp->segs_in << 32) + tp->segs_out;
}

/*
 * May a message be on the way to this socket? A sender holds a reference of the socket from the end of its verdict's
 * RCU section to the queueing (sk_psock_msg_verdict, tcp_bpf_send_verdict). The other references are known: the file,
 * the psock (sk_psock_init), the visit's look-up, and each pending timer. One more may be a sender's: then not now.
 *
 * Without the lock a timer may end between the two reads, and its reference would stand for a sender's. So the timers
 * are read before the references and after them, and must be the same. A timer that was stopped and started again in
 * between shows in the segments: between the two, one has come, or was sent. A timer that fires holds its reference
 * until it has been started again, or is done. And a timer that has just been started has no reference yet
 * (sk_reset_timer, tcp_pacing_check): the thread with the socket's lock may be about to take it. So under a lock one
 * timer less counts.
 */
#define KNOWN_REFS 3 /* file, psock, look-up */

static __always_inline int is_locked(const struct sock *sk)
{
	if (!bpf_core_field_exists(sk->sk_lock.slock.rlock))
		return 1; /* PREEMPT_RT has no such word: it may be */
	return sk->sk_lock.owned || sk->sk_lock.slock.rlock.raw_lock.val.counter;
}

static __always_inline int may_be_on_the_way(struct up_sock *rec, const struct tcp_sock *tp)
{
	const struct sock *sk = &tp->inet_conn.icsk_inet.sk;
	__u64 progress = progress_of(tp);
	int timers = timer_refs(tp), counted = timers, refs;

	set_state(rec, UP_LEAVING); /* as it is: a full barrier between the reads */
	if (timers && is_locked(sk))
		counted--;
	set_state(rec, UP_LEAVING);
	refs = *(volatile const int *)&sk->__sk_common.skc_refcnt.refs.counter;
	set_state(rec, UP_LEAVING);
	if (refs > KNOWN_REFS + counted || timer_refs(tp) != timers)
		return 1;
	set_state(rec, UP_LEAVING);
	return progress_of(tp) != progress;
}

static __always_inline void take_off(struct up_sock *rec, const struct tcp_sock *tp, struct up_visit *out)
{
	if (FAULT(STAY) || !nobody_redirects_to(rec))
		return;
	/* In this order: once no message is on the way, an empty queue stays empty. */
	if (!FAULT(UNENROL) && (may_be_on_the_way(rec, tp) || psock_queued(&tp->inet_conn.icsk_inet.sk)))
		return;
	leave_maps(rec);
	rec->segments_in = tp->data_segs_in;
	rec->segments_out = tp->data_segs_out;
	decide_plain(rec, rec->reason);
	out->moved = 1;
}

#endif
