/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * How a run of up_visit or up_dump finds a socket: an enrolled one by its id in the sockhash, wherever it is. Any other
 * one by its addresses, in the network namespace of the thread that runs the program.
 */
#ifndef UNDERPASS_LOOKUP_H
#define UNDERPASS_LOOKUP_H

#include <linux/bpf.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "maps.bpf.h"
#include "underpass.h"

/* What the helper says to a run, in __sk_buff.cb. */
#define CB_COUNT 0
#define CB_NETNS 1
#define CB_DEVICE 2 /* the device that the run's packet comes from, and that the sockets are bound to; 0: none */
#define CB_MODE 3

/* The addresses as a look-up wants them: those of a packet that arrives for the socket. */
static __always_inline __u32 arriving(struct bpf_sock_tuple *to, const struct up_tuple *tuple)
{
	const __u32 *local = (const __u32 *)tuple->local_addr, *remote = (const __u32 *)tuple->remote_addr;

	if (!local[0] && !local[1] && local[2] == bpf_htonl(0xffff)) {
		to->ipv4.saddr = remote[3];
		to->ipv4.daddr = local[3];
		to->ipv4.sport = bpf_htons(tuple->remote_port);
		to->ipv4.dport = bpf_htons(tuple->local_port);
		return sizeof(to->ipv4);
	}
	__builtin_memcpy(to->ipv6.saddr, tuple->remote_addr, 16);
	__builtin_memcpy(to->ipv6.daddr, tuple->local_addr, 16);
	to->ipv6.sport = bpf_htons(tuple->remote_port);
	to->ipv6.dport = bpf_htons(tuple->local_port);
	return sizeof(to->ipv6);
}

struct run {
	struct __sk_buff *ctx;
	__u32 netns_inum;
	__u32 bound_dev_if;
	__u32 mode;
};

/* Looks up a socket that is not enrolled. NULL with `elsewhere` where this run cannot find it, and another run can. */
static __always_inline struct bpf_sock *look_up(const struct run *run, const struct up_half *half, int *elsewhere)
{
	struct bpf_sock_tuple tuple = {};

	*elsewhere = half->netns_inum != run->netns_inum || half->bound_dev_if != run->bound_dev_if;
	if (*elsewhere)
		return 0;
	if (arriving(&tuple, &half->tuple) == sizeof(tuple.ipv4))
		return bpf_skc_lookup_tcp(run->ctx, &tuple, sizeof(tuple.ipv4), BPF_F_CURRENT_NETNS, 0);
	return bpf_skc_lookup_tcp(run->ctx, &tuple, sizeof(tuple.ipv6), BPF_F_CURRENT_NETNS, 0);
}

/* The socket with this id, if this run can find it. The caller releases the reference. */
static __always_inline struct bpf_sock *find(const struct run *run, __u64 id, const struct up_half *half,
					     int *elsewhere)
{
	struct bpf_sock *sk = bpf_map_lookup_elem(&members, &id);

	*elsewhere = 0;
	return sk || !half ? sk : look_up(run, half, elsewhere);
}

static __always_inline struct run run_of(struct __sk_buff *ctx)
{
	struct run run = {
		.ctx = ctx,
		.netns_inum = ctx->cb[CB_NETNS],
		.bound_dev_if = ctx->cb[CB_DEVICE],
		.mode = ctx->cb[CB_MODE],
	};

	return run;
}

#endif
