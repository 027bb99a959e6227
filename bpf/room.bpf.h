/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Room for redirected bytes in the receive buffer of a socket. To change the buffer takes the lock of the socket. So
 * its owner does it, in a call of its own (UP_OPT_ACCELERATE set again): an option program runs under that lock, and
 * holds up its caller alone.
 */
#ifndef UNDERPASS_ROOM_H
#define UNDERPASS_ROOM_H

#include <linux/bpf.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "flow.bpf.h"
#include "kernel.h"
#include "maps.bpf.h"
#include "pairing.bpf.h"
#include "underpass.h"

/*
 * The segments that the other end's TCP makes of a long write (tcp_xmit_size_goal). A smaller window holds such a
 * segment until a timer has run out, 200 ms each time. Plain TCP announces no such window to a reader that reads, so
 * this must not do so either, where the application has made the buffer small.
 */
static __always_inline __u32 largest_segment(__u64 sender_sk)
{
	__u32 half = READ_AT(struct tcp_sock, sender_sk, max_window) / 2;
	__u32 most = READ_AT(struct tcp_sock, sender_sk, mss_cache);

	return half < most ? half : most;
}

/*
 * What SO_RCVLOWAT has to be for a receive buffer of so many bytes. It is a number of bytes of payload, and the kernel
 * divides it by the part of a buffer that is payload. Before 6.6 that part is a half. From 6.6 on it goes by the
 * overhead of recent segments, in 256ths (tcp_space_from_win): after segments of 540 bytes it is 0.39.
 */
static __always_inline int low_water_for(__u64 sk, __u32 space)
{
	__u32 payload = 128;

	if (bpf_core_field_exists(((struct tcp_sock *)0)->scaling_ratio))
		payload = READ_AT(struct tcp_sock, sk, scaling_ratio);
	return ((__u64)space * payload) >> 8;
}

/*
 * Redirected bytes and those that come by TCP share sk_rmem_alloc. TCP drops what comes when that is above sk_rcvbuf,
 * and the sender then waits for a timer. So a redirect leaves TCP the room for the window that TCP has announced
 * (has_room), and here the receive buffer gets more room. SO_RCVLOWAT raises sk_rcvbuf and does not lock it
 * (tcp_set_rcvlowat), nor does it touch a buffer that the application has set. The window is kept to a quarter of the
 * buffer meanwhile. A larger window that was announced before stands until it is used up.
 */
static __attribute__((noinline)) void make_room(struct bpf_sock *sk, struct up_sock *rec)
{
	__u32 window, now;
	int low, want, clamp, least;

	if (!sk || !rec)
		return;
	rec->room_enrolment = rec->enrolments;
	if (!room)
		return;
	window = READ_AT(struct tcp_sock, rec->sk, rcv_wnd);
	low = READ_AT(struct sock, rec->sk, sk_rcvlowat);
	want = low_water_for(rec->sk, room + window + window / 4);
	if (low < want && !bpf_setsockopt(sk, SOL_SOCKET, SO_RCVLOWAT, &want, sizeof(want)))
		bpf_setsockopt(sk, SOL_SOCKET, SO_RCVLOWAT, &low, sizeof(low));
	clamp = (__u32)READ_AT(struct sock, rec->sk, sk_rcvbuf) / 4;
	least = largest_segment(rec->peer_sk);
	/*
	 * And a quarter more: TCP announces whole segments of the size that came last (__tcp_select_window, rcv_mss).
	 */
	least += least / 4;
	if (clamp < least)
		clamp = least;
	now = READ_AT(struct tcp_sock, rec->sk, window_clamp);
	if (now > (__u32)clamp) {
		/* give_back_room sets what the socket had before the first lowering. */
		if (!rec->window_clamp)
			rec->window_clamp = now;
		bpf_setsockopt(sk, SOL_TCP, TCP_WINDOW_CLAMP, &clamp, sizeof(clamp));
	}
}

static __attribute__((noinline)) void give_back_room(struct bpf_sock *sk, struct up_sock *rec)
{
	int clamp;

	if (!sk || !rec)
		return;
	clamp = rec->window_clamp;
	rec->window_clamp = 0;
	if (clamp)
		bpf_setsockopt(sk, SOL_TCP, TCP_WINDOW_CLAMP, &clamp, sizeof(clamp));
}

/*
 * What the owner of a socket does for it, under its lock, however often. A visit may change the state at the same time;
 * the next call then puts right what is out of date.
 */
static __always_inline void tend(struct bpf_sock *sk, struct up_sock *rec)
{
	__u32 state = rec->state;
	struct up_half *half;
	__u64 id = rec->id;

	if (state == UP_ENROLLED || state == UP_READY) {
		if (!has_been_given_room(rec)) {
			make_room(sk, rec);
			half = bpf_map_lookup_elem(&halves, &id);
			if (half)
				half->has_room = 1; /* the judgement of the other end waits for this */
		}
	} else if (state != UP_LEAVING && rec->window_clamp) {
		give_back_room(sk, rec);
	}
	if (state == UP_PAIRED || state == UP_NEW)
		notify(rec); /* the connection lives: perhaps it has enough traffic by now */
}

#endif
