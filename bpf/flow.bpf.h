/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Reads of sockets and psocks, and the few steps that several programs share. */
#ifndef UNDERPASS_FLOW_H
#define UNDERPASS_FLOW_H

#include <linux/bpf.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "kernel.h"
#include "maps.bpf.h"
#include "underpass.h"

/*
 * Reads a member of a kernel object through its bare address, which may be stale: bad memory reads as 0. Since 6.2 the
 * kernel has a cast that turns this into a plain load, guarded by the exception table; before, it is a helper call.
 */
extern void *bpf_rdonly_cast(const void *object, __u32 btf_id) __ksym __weak;

/*
 * The address is evaluated outside of BPF_CORE_READ: within it, clang would take a member of our own record for one of
 * the kernel's.
 */
#define READ_AT(type, address, member)                                                                                 \
	({                                                                                                             \
		type *at_ = (type *)(address);                                                                         \
		bpf_rdonly_cast ? ((type *)bpf_rdonly_cast(at_, bpf_core_type_id_kernel(type)))->member                \
				: BPF_CORE_READ(at_, member);                                                          \
	})

static __always_inline struct up_control *control_of(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&control, &zero);
}

static __always_inline struct up_totals *totals_of(__u32 slot)
{
	return bpf_map_lookup_elem(&totals, &slot);
}

static __always_inline void count_plain(__u32 slot, enum up_reason reason)
{
	struct up_totals *sum = totals_of(slot);
	__u64 index = reason;

	barrier_var(index); /* the verifier wants the very register that was compared; clang would mask a byte twice */
	if (sum && index < UP_REASON_MAX)
		sum->connections_plain[index]++;
}

static __always_inline __u64 messages_of(const struct up_sock *rec)
{
	return rec->tx_counters.redirected_messages + rec->tx_counters.passed_messages;
}

static __always_inline __u64 bytes_of(const struct up_sock *rec)
{
	return rec->tx_counters.redirected_bytes + rec->tx_counters.passed_bytes;
}

/* The psock of a socket, or NULL: sk_user_data may hold what belongs to others. */
static __always_inline struct sk_psock *psock_of(const struct sock *sk)
{
	unsigned long data = (unsigned long)BPF_CORE_READ(sk, sk_user_data);

	if (!(data & SK_USER_DATA_PSOCK))
		return 0;
	return (struct sk_psock *)(data & ~SK_USER_DATA_MASK);
}

/*
 * Has the socket a psock that no sockmap has any more? A thread that sleeps in tcp_bpf_recvmsg or tcp_bpf_sendmsg keeps
 * the psock of an earlier enrolment, with its verdict, until it returns. On an idle connection that may take any time.
 * This reads without the lock of the psock: the answer may be a moment old.
 */
static __attribute__((noinline)) int has_left_psock(const struct sock *sk)
{
	struct sk_psock *psock = psock_of(sk);
	__u64 empty = (__u64)psock + bpf_core_field_offset(struct sk_psock, link);

	return psock && (__u64)BPF_CORE_READ(psock, link.next) == empty;
}

struct queue_walk {
	__u64 head, at;
	__u32 sum;
};

static long add_message(__u32 i __attribute__((unused)), struct queue_walk *walk)
{
	struct sk_msg *msg;

	if (!walk->at || walk->at == walk->head)
		return 1;
	msg = (void *)walk->at - bpf_core_field_offset(struct sk_msg, list);
	walk->sum += BPF_CORE_READ(msg, sg.size);
	walk->at = (__u64)BPF_CORE_READ(msg, list.next);
	return 0;
}

/* More than has_room lets a queue hold. */
#define MAX_QUEUED_MESSAGES 16384

/*
 * Bytes in the psock queue. Kernels without the FIONREAD fix do not count them; there this walks the queue. Senders add
 * at its end meanwhile. What a reader frees under the walk may read as anything, for as many steps as the bound allows.
 */
static __attribute__((noinline)) __u32 psock_queued(const struct sock *sk)
{
	struct sk_psock *psock = psock_of(sk);
	struct queue_walk walk = {};

	if (!psock)
		return 0;
	if (bpf_core_field_exists(psock->msg_tot_len))
		return BPF_CORE_READ(psock, msg_tot_len);
	walk.head = (__u64)psock + bpf_core_field_offset(struct sk_psock, ingress_msg);
	walk.at = (__u64)BPF_CORE_READ(psock, ingress_msg.next);
	bpf_loop(MAX_QUEUED_MESSAGES, add_message, &walk, 0);
	return walk.sum;
}

static __always_inline void map_v4(__u8 to[16], __be32 v4)
{
	__builtin_memset(to, 0, 10);
	to[10] = 0xff;
	to[11] = 0xff;
	__builtin_memcpy(to + 12, &v4, 4);
}

/*
 * By the bare address of the socket, as all that follows: the option programs see no more of it. This is a function of
 * its own, because clang, when it inlines, merges the loads of both families into one that the verifier refuses.
 */
static __attribute__((noinline)) void tuple_of(struct up_tuple *to, __u64 sk)
{
	if (READ_AT(struct sock, sk, __sk_common.skc_family) == AF_INET6) {
		const struct sock *at = (const struct sock *)sk;

		bpf_core_read(to->local_addr, 16, &at->__sk_common.skc_v6_rcv_saddr);
		bpf_core_read(to->remote_addr, 16, &at->__sk_common.skc_v6_daddr);
	} else {
		map_v4(to->local_addr, READ_AT(struct sock, sk, __sk_common.skc_rcv_saddr));
		map_v4(to->remote_addr, READ_AT(struct sock, sk, __sk_common.skc_daddr));
	}
	to->local_port = READ_AT(struct sock, sk, __sk_common.skc_num);
	to->remote_port = bpf_ntohs(READ_AT(struct sock, sk, __sk_common.skc_dport));
}

static __always_inline struct net *net_of(__u64 sk)
{
	return READ_AT(struct sock, sk, __sk_common.skc_net.net);
}

/*
 * The cgroup whose programs the kernel runs for a socket: where the socket was made. Its process may have moved since.
 */
static __always_inline __u64 cgroup_of(__u64 sk)
{
	struct cgroup *cgroup = READ_AT(struct sock, sk, sk_cgrp_data.cgroup);

	return BPF_CORE_READ(cgroup, kn, id);
}

static __always_inline int is_enrolled(__u32 state)
{
	return state == UP_ENROLLED || state == UP_READY || state == UP_LEAVING;
}

/* Wakes the helper if it sleeps: at most one wake-up for each sleep, so a loop of connections does not pay for it. */
static __always_inline void wake_helper(void)
{
	struct up_control *ctl = control_of();
	__u64 nobody = 0;

	if (!ctl || !ctl->armed)
		return;
	ctl->armed = 0;
	bpf_ringbuf_output(&events, &nobody, sizeof(nobody), BPF_RB_FORCE_WAKEUP);
}

/* Names a socket to the helper, which then visits it soon. */
static __attribute__((noinline)) void notify_id(__u64 id)
{
	struct up_control *ctl = control_of();

	/*
	 * First the id, then the look at `armed`. The helper sets `armed`, looks for ids a last time, and sleeps only
	 * if there is none. The output ends in an atomic exchange (bpf_ringbuf_commit), which keeps the two in order.
	 */
	if (bpf_ringbuf_output(&events, &id, sizeof(id), BPF_RB_NO_WAKEUP) && ctl)
		ctl->lost = 1;
	wake_helper();
}

/*
 * The same by the record of a socket, and once until the next visit, however often it is called. The exchange is a full
 * barrier, as is that of the visit. So the visit sees what was written before this call, or the socket is named again.
 */
static __always_inline void notify(struct up_sock *rec)
{
	if (rec->id && !__sync_lock_test_and_set(&rec->notified, 1))
		notify_id(rec->id);
}

#endif
