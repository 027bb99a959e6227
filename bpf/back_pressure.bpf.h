/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Back-pressure: may the peer hold one message more? The verdict asks, under the lock of the sender's socket. A message
 * that may not be queued goes by TCP, which holds the sender where it has to.
 */
#ifndef UNDERPASS_BACK_PRESSURE_H
#define UNDERPASS_BACK_PRESSURE_H

#include <linux/bpf.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "flow.bpf.h"
#include "kernel.h"
#include "maps.bpf.h"
#include "underpass.h"

/*
 * Kernel memory that a queued message holds beside its bytes: a struct sk_msg (about 700 bytes on 64 bit) is an object
 * of kmalloc-1k. sk_rmem_alloc counts the bytes alone, so without this a sender of single bytes would fill the memory.
 */
#define MESSAGE_OVERHEAD 1024

/*
 * How many bytes the peer may hold, redirected and unread: what its receive buffer has room for beside the window that
 * its TCP has announced, and a quarter of that for overhead. So what is sent by TCP afterwards finds room (make_room).
 * A buffer that the application has set may leave no room. The peer may hold a little all the same, so that requests
 * and responses can be redirected there too. It is less than the one segment by which TCP lets the buffer be overrun.
 */
#define LEAST_ROOM 16384

static __always_inline __u32 limit_of(__u64 peer_sk)
{
	__u32 limit = READ_AT(struct sock, peer_sk, sk_rcvbuf);
	__u32 window = READ_AT(struct tcp_sock, peer_sk, rcv_wup) + READ_AT(struct tcp_sock, peer_sk, rcv_wnd) -
		       READ_AT(struct tcp_sock, peer_sk, rcv_nxt);

	window += window / 4;
	return window + LEAST_ROOM < limit ? limit - window : LEAST_ROOM < limit / 4 ? LEAST_ROOM : 0;
}

static __always_inline __u32 held_by(__u64 peer_sk)
{
	return READ_AT(struct sock, peer_sk, sk_backlog.rmem_alloc.counter);
}

struct tail_walk {
	__u64 head, at;
};

static long step_back(__u32 i __attribute__((unused)), struct tail_walk *walk)
{
	if (!walk->at || walk->at == walk->head)
		return 1;
	walk->at = (__u64)READ_AT(struct list_head, walk->at, prev);
	return 0;
}

/*
 * Messages in the psock queue, or `most` if there are more. The walk goes from the newest one back: a reader frees the
 * oldest first, so what it frees under the walk has nothing behind it that still counts. The answer may be too high,
 * never too low.
 */
static __attribute__((noinline)) __u32 psock_messages(const struct sock *sk, __u32 most)
{
	struct sk_psock *psock = psock_of(sk);
	struct tail_walk walk = {};

	if (!psock)
		return 0;
	walk.head = (__u64)psock + bpf_core_field_offset(struct sk_psock, ingress_msg);
	walk.at = (__u64)BPF_CORE_READ(psock, ingress_msg.prev);
	return bpf_loop(most + 1, step_back, &walk, 0) - 1; /* the last step is the one that does nothing */
}

/*
 * No memory cgroup is charged for the struct sk_msg of a queued message, so bytes are not the only limit: a socket has
 * at most its share of its user's messages queued (next_share). The kernel does not count them. `queued` is no less
 * than their number; where it reaches the limit, this counts. The reader has to have read a quarter before a message
 * may be queued again, so each message pays for three steps of the count at most.
 */
static __always_inline int may_queue(struct up_sock *rec)
{
	__u32 most = rec->peer_share - rec->peer_share / 4;

	if (rec->queued < rec->peer_share)
		return 1;
	rec->queued = psock_messages((const struct sock *)rec->peer_sk, most);
	return rec->queued < most;
}

static __always_inline int has_room(struct up_sock *rec, __u32 size)
{
	__u64 held = held_by(rec->peer_sk);
	__u32 average_size = rec->average_size;

	if (FAULT(BACK_PRESSURE))
		return 1;
	if (held) {
		if (average_size < 1)
			average_size = 1;
		held += held * MESSAGE_OVERHEAD / average_size;
	} else {
		rec->queued = 0;
	}
	return held + size <= limit_of(rec->peer_sk) && may_queue(rec);
}

/*
 * Pages that must be left to the peer's cgroup. When the bytes are queued, less may be left than was here: other
 * processors take from the same counter, in steps of up to 64 pages each (MEMCG_CHARGE_BATCH).
 */
#define ROOM_PAGES 256
#define CGROUP_DEPTH 8 /* cgroups that are looked at, the peer's own and those above */

/*
 * Can the peer's memory be charged? Where it cannot, the redirect fails (bpf_tcp_ingress, __sk_rmem_schedule) and so
 * does the caller's send(), with ENOMEM; TCP would hold the sender instead. So the message goes by TCP in good time:
 * when all TCP together is under pressure (tcp_mem), or when the peer's memory cgroup, or one above it, has little
 * left.
 */
static __attribute__((noinline)) int peer_may_charge(struct up_sock *rec, __u32 size)
{
	struct proto *prot;
	struct mem_cgroup *memcg;
	struct page_counter *counter = 0;
	__u64 pressure;
	int i;

	if (!rec)
		return 0;
	/* Enough is charged already, and not used up. */
	if (READ_AT(struct sock, rec->peer_sk, sk_forward_alloc) >= (int)size)
		return 1;
	prot = READ_AT(struct sock, rec->peer_sk, __sk_common.skc_prot);
	pressure = (__u64)READ_AT(struct proto, prot, memory_pressure);
	/* The flag is a bare long; it is read as the first member of a struct that begins with one. */
	if (pressure && READ_AT(struct list_head, pressure, next))
		return 0;
	memcg = READ_AT(struct sock, rec->peer_sk, sk_memcg);
	if (!memcg)
		return 1;
	if (bpf_core_field_exists(memcg->tcpmem_active) && READ_AT(struct mem_cgroup, memcg, tcpmem_active))
		counter = (void *)memcg + bpf_core_field_offset(struct mem_cgroup, tcpmem);
	else
		counter = (void *)memcg + bpf_core_field_offset(struct mem_cgroup, memory);
	for (i = 0; i < CGROUP_DEPTH; i++) {
		if (!counter)
			break;
		if (READ_AT(struct page_counter, counter, usage.counter) + ROOM_PAGES >
		    (__s64)READ_AT(struct page_counter, counter, max))
			return 0;
		counter = READ_AT(struct page_counter, counter, parent);
	}
	return 1;
}

#endif
