/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * up_apply: takes sockets off, and gives enrolled ones more room. iter/tcp calls it with the socket's lock held (lock_sock),
 * so that no send, receive or close of this socket runs at the same time, but for one that sleeps inside the kernel. It walks
 * the whole table of established connections of a network namespace (half a millisecond where that is large), so what does
 * not need the lock is done by up_scan.
 */
#ifndef UNDERPASS_APPLY_H
#define UNDERPASS_APPLY_H

/*
 * What the other end's TCP makes of a long write (tcp_xmit_size_goal). A window that is smaller holds it until a timer has
 * run out, 200 ms each time: plain TCP announces no such window to a reader that reads, so neither may a buffer that the
 * application has made small.
 */
static __always_inline __u32 largest_segment(__u64 sender_sk)
{
	__u32 half = READ_AT(struct tcp_sock, sender_sk, max_window) / 2, most = READ_AT(struct tcp_sock, sender_sk, mss_cache);

	return half < most ? half : most;
}

/*
 * What SO_RCVLOWAT has to be for a receive buffer of so many bytes. It is a number of bytes of payload, and the kernel divides
 * it by the part of a buffer that is payload: by the overhead of what came of late, in 256ths, from 6.6 on (tcp_space_from_win),
 * and a half before. After segments of 540 bytes that is 0.39, and a buffer would be 2.6 times what was asked for.
 */
static __always_inline int low_water_for(const struct tcp_sock *tp, __u32 space)
{
	__u32 payload = 128;

	if (bpf_core_field_exists(tp->scaling_ratio))
		payload = tp->scaling_ratio;
	return ((__u64)space * payload) >> 8;
}

/*
 * Redirected bytes and those that come by TCP share sk_rmem_alloc, and TCP drops what comes when that is above sk_rcvbuf: the
 * sender then waits for a timer. So a redirect leaves TCP the room for the window it has announced (has_room), and the
 * receive buffer gets more of it here: SO_RCVLOWAT raises sk_rcvbuf and does not lock it (tcp_set_rcvlowat), nor does it touch
 * one that the application has set. The window is kept to a quarter of it meanwhile; what was announced before stands until it
 * is used up.
 */
static __always_inline void make_room(struct up_sock *rec, struct tcp_sock *tp)
{
	const struct sock *sk = &tp->inet_conn.icsk_inet.sk;
	int low = sk->sk_rcvlowat, want = low_water_for(tp, room + tp->rcv_wnd + tp->rcv_wnd / 4), clamp, least;

	rec->flags = (rec->flags & ~UP_F_WANTS_ROOM) | UP_F_ROOM;
	if (!room)
		return;
	if (low < want && !bpf_setsockopt(tp, SOL_SOCKET, SO_RCVLOWAT, &want, sizeof(want)))
		bpf_setsockopt(tp, SOL_SOCKET, SO_RCVLOWAT, &low, sizeof(low));
	clamp = (__u32)sk->sk_rcvbuf / 4;
	least = largest_segment(rec->peer_sk);
	/* And some more: a window is announced in whole segments of the size that came last (__tcp_select_window, rcv_mss). */
	least += least / 4;
	if (clamp < least)
		clamp = least;
	if (tp->window_clamp > (__u32)clamp) {
		rec->window_clamp = tp->window_clamp;
		bpf_setsockopt(tp, SOL_TCP, TCP_WINDOW_CLAMP, &clamp, sizeof(clamp));
	}
}

static __always_inline void give_back_room(struct up_sock *rec, struct tcp_sock *tp)
{
	int clamp = rec->window_clamp;

	rec->window_clamp = 0;
	if (clamp)
		bpf_setsockopt(tp, SOL_TCP, TCP_WINDOW_CLAMP, &clamp, sizeof(clamp));
}

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
	/* BBR, and whatever else paces, has the first one pending for nearly as long as a stream runs. */
	refs += tp->pacing_timer.state != 0;
	refs += tp->compressed_ack_timer.state != 0;
	return refs;
}

/*
 * No verdict can redirect to this socket any more: all are paused, or its other end has left, or is gone. That is remembered:
 * what is unread may hold it for long, and `halves` forgets.
 */
static __always_inline int is_let_go(struct up_sock *rec)
{
	struct up_control *ctl = control_of();
	struct up_half *half;

	if (ctl && ctl->paused)
		return 1;
	half = known_half(rec);
	if (cookie_at(rec->peer_sk) != rec->peer_cookie ||
	    (half && (half->state == UP_LEAVING || half->state == UP_PLAIN)))
		rec->flags |= UP_F_LET_GO;
	else if (half && is_enrolled(half->state))
		rec->flags &= ~UP_F_LET_GO; /* it has not heard that this one leaves (publish can fail), and came back */
	return (rec->flags & UP_F_LET_GO) != 0;
}

/*
 * Taking a socket out of its sockhashes frees its psock, and with it what is queued or about to be queued. So: nobody
 * redirects to it any more (is_let_go, and the helper let an RCU grace period pass since), nothing is queued, and nobody
 * is on the way: a sender holds a reference of the socket from the end of its verdict's RCU section to the queueing
 * (sk_psock_msg_verdict, tcp_bpf_send_verdict). What else holds one here is known: the file, the psock (sk_psock_init),
 * this iterator, and each pending timer. Anything more may be a sender: then not now.
 */
#define KNOWN_REFS 3

static __always_inline void take_off(struct up_sock *rec, struct tcp_sock *tp)
{
	struct sock *sk = &tp->inet_conn.icsk_inet.sk;

	if (fault & UP_FAULT_STAY || !is_let_go(rec))
		return;
	if (!(fault & UP_FAULT_UNENROL) &&
	    (psock_queued(sk) || sk->__sk_common.skc_refcnt.refs.counter > KNOWN_REFS + timer_refs(tp)))
		return;
	leave_maps(rec);
	give_back_room(rec, tp);
	rec->segments_in = tp->data_segs_in;
	rec->segments_out = tp->data_segs_out;
	decide_plain(rec, sk, rec->reason);
	/* Who registered while it was leaving came in the generation that it is now decided in, and is to be asked all the same. */
	rec->generation--;
}

SEC("iter/tcp")
int up_apply(struct bpf_iter__tcp *ctx)
{
	struct sock_common *skc = ctx->sk_common;
	struct up_sock *rec;
	struct tcp_sock *tp;

	if (!skc)
		return 0;
	tp = bpf_skc_to_tcp_sock(skc);
	if (!tp)
		return 0;
	rec = bpf_sk_storage_get(&socks, tp, 0, 0);
	if (!rec || rec->sk != (__u64)tp)
		return 0;
	if (rec->state == UP_LEAVING)
		take_off(rec, tp);
	else if (rec->flags & UP_F_WANTS_ROOM) {
		make_room(rec, tp);
		publish(rec, (const struct sock *)tp); /* the other end waits for it (review) */
	}
	return 0;
}

#endif
