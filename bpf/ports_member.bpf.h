/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Which member asks, and what an address means to it. */
#ifndef UNDERPASS_PORTS_MEMBER_H
#define UNDERPASS_PORTS_MEMBER_H

#include <linux/bpf.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "kernel.h"
#include "ports.h"
#include "ports_maps.bpf.h"
#include "process.bpf.h"
#include "socket.bpf.h"

/* An address and a port as the hooks have them: IPv4 as v4-mapped, in network order; the port in host order. */
struct end {
	union {
		__u8 bytes[16];
		__u32 words[4];
		__u64 halves[2];
	} addr;
	__u16 port;
};

#define MAPPED bpf_htonl(0xffff) /* third word of a v4-mapped address */

/* Nearly no process is a member, and this says so in a few instructions: the look-up in an array is inlined. */
static __always_inline __u8 may_be_member(__u32 tgid)
{
	__u32 zero = 0;
	struct up_member_filter *filter = bpf_map_lookup_elem(&member_filter, &zero);

	return filter ? filter->may_be[tgid & (UP_FILTER - 1)] : 0;
}

/*
 * The member that runs now. A child that it forked has another tgid, and is none. Nor is a program that it runs in its
 * own place: that may have more rights (setuid, file capabilities), and must not be led astray.
 */
static __always_inline struct up_member *current_member(void)
{
	__u32 tgid = bpf_get_current_pid_tgid() >> 32;
	struct up_member *member;
	struct task_struct *task;

	if (!may_be_member(tgid))
		return 0;
	member = bpf_map_lookup_elem(&port_members, &tgid);
	if (!member)
		return 0;
	task = bpf_get_current_task_btf();
	if (!is_same_program(task, member->start_boottime_ns, member->exec_id))
		return 0;
	return task->group_leader->real_cred->euid.val == member->uid ? member : 0;
}

/*
 * The member has a datagram socket. Where its agent did not say so, native code made the socket (Netty's epoll), and
 * the helper has its datagrams translated from some milliseconds later on.
 */
static __always_inline void has_datagrams(struct up_member *member)
{
	__u8 record = 1;

	if (member->flags & (UP_M_DATAGRAMS | UP_M_UNTOLD))
		return;
	member->flags |= UP_M_UNTOLD; /* another thread at this moment writes the same, and wakes the helper again */
	bpf_ringbuf_output(&port_events, &record, sizeof(record), 0);
}

/* The network namespace of the socket: its thread may be in another one by now. */
static __always_inline __u32 netns_of(struct bpf_sock *sk)
{
	const struct sock *at = (const struct sock *)address_of(sk);

	return BPF_CORE_READ(at, __sk_common.skc_net.net, ns.inum);
}

static __always_inline void end_of_v4(struct end *end, __be32 addr, __u32 port)
{
	end->addr.words[0] = 0;
	end->addr.words[1] = 0;
	end->addr.words[2] = MAPPED;
	end->addr.words[3] = addr;
	end->port = bpf_ntohs((__u16)port);
}

#define END_OF_V6(end, ctx)                                                                                            \
	do {                                                                                                           \
		(end)->addr.words[0] = (ctx)->user_ip6[0];                                                             \
		(end)->addr.words[1] = (ctx)->user_ip6[1];                                                             \
		(end)->addr.words[2] = (ctx)->user_ip6[2];                                                             \
		(end)->addr.words[3] = (ctx)->user_ip6[3];                                                             \
		(end)->port = bpf_ntohs((__u16)(ctx)->user_port);                                                      \
	} while (0)

#define V6_OF_END(ctx, end)                                                                                            \
	do {                                                                                                           \
		(ctx)->user_ip6[0] = (end)->addr.words[0];                                                             \
		(ctx)->user_ip6[1] = (end)->addr.words[1];                                                             \
		(ctx)->user_ip6[2] = (end)->addr.words[2];                                                             \
		(ctx)->user_ip6[3] = (end)->addr.words[3];                                                             \
	} while (0)

static __always_inline int is_v4(const struct end *end)
{
	return !end->addr.halves[0] && end->addr.words[2] == MAPPED;
}

/* 0.0.0.0 or ::, which also is where the zero of a v4-mapped address lies. */
static __always_inline int is_wildcard(const struct end *end)
{
	return !end->addr.halves[0] && (!end->addr.words[2] || end->addr.words[2] == MAPPED) && !end->addr.words[3];
}

/* 127.0.0.1 or ::1 */
static __always_inline int is_localhost(const struct end *end)
{
	if (is_v4(end))
		return end->addr.words[3] == bpf_htonl(0x7f000001);
	return !end->addr.halves[0] && !end->addr.words[2] && end->addr.words[3] == bpf_htonl(1);
}

static __always_inline int is_loopback(const struct end *end)
{
	return is_v4(end) ? end->addr.bytes[12] == 127 : is_localhost(end);
}

static __always_inline int is_multicast(const struct end *end)
{
	return is_v4(end) ? end->addr.bytes[12] >= 224 : end->addr.bytes[0] == 0xff;
}

/* Is it an address of this host? The wildcard is: to connect to it is to connect to localhost. */
static __always_inline int is_local(const struct end *end, __u32 netns)
{
	struct up_local key = {.netns_inum = netns};

	if (is_loopback(end) || is_wildcard(end))
		return 1;
	__builtin_memcpy(key.addr, end->addr.bytes, 16);
	return bpf_map_lookup_elem(&locals, &key) != 0;
}

static __always_inline int same_addr(const __u8 a[16], const __u8 b[16])
{
	return *(const __u64 *)a == *(const __u64 *)b && *(const __u64 *)(a + 8) == *(const __u64 *)(b + 8);
}

static __always_inline int has_identity(const struct up_member *member)
{
	return (*(const __u64 *)member->identity | *(const __u64 *)(member->identity + 8)) != 0;
}

static __always_inline int same_group(const char a[UP_GROUP_NAME], const char b[UP_GROUP_NAME])
{
	return same_addr((const __u8 *)a, (const __u8 *)b);
}

static __always_inline int is_in(const struct up_range *ranges, __u16 count, __u16 port)
{
	for (int i = 0; i < UP_MAX_RANGES; i++) {
		if (i >= count)
			return 0;
		if (ranges[i].from <= port && port <= ranges[i].to)
			return 1;
	}
	return 0;
}

static __always_inline int is_ours(__u32 protocol)
{
	return protocol == IPPROTO_TCP || protocol == IPPROTO_UDP;
}

static __always_inline void vport_of(struct up_vport *key, const struct up_member *member, __u32 netns, __u8 protocol,
				     __u16 port)
{
	__builtin_memcpy(key->group, member->group, UP_GROUP_NAME);
	key->netns_inum = netns;
	key->port = port;
	key->protocol = protocol;
	key->pad = 0;
}

#endif
