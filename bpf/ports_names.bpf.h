/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the application sees: its own port and its peer's, as the group knows them. */
#ifndef UNDERPASS_PORTS_NAMES_H
#define UNDERPASS_PORTS_NAMES_H

#include <linux/bpf.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "kernel.h"
#include "ports.h"
#include "ports_maps.bpf.h"
#include "ports_member.bpf.h"
#include "ports_table.bpf.h"

/* The group's virtual port that a port of this host stands for; the port itself if it stands for none. */
static __always_inline __u16 virtual_of(const char group[UP_GROUP_NAME], __u32 netns, __u8 protocol,
					const struct end *end)
{
	struct up_real *real;
	struct up_rport key;

	rport_of(&key, netns, protocol, end->port);
	real = bpf_map_lookup_elem(&reals, &key);
	if (!real || !same_group(real->group, group) || !is_local(end, netns))
		return end->port;
	return real->port;
}

/*
 * A socket that was bound knows its virtual port, also in a process that has inherited it. A socket that a listener
 * accepted has the listener's real port, and connect() chooses no port that is bound: to a member, the real port tells.
 */
static __always_inline void own_name(struct bpf_sock_addr *ctx)
{
	__u16 port = bpf_ntohs((__u16)ctx->user_port);
	struct bpf_sock *sk = ctx->sk;
	struct up_portsock *sock;
	struct up_member *member;
	struct up_real *real;
	struct up_rport key;

	if (!stands_for_one(port))
		return;
	sock = bpf_sk_storage_get(&port_socks, sk, 0, 0);
	if (sock && sock->held) {
		if (port == sock->row.real)
			ctx->user_port = bpf_htons(sock->row.key.port);
		return;
	}
	if (ctx->protocol != IPPROTO_TCP)
		return;
	member = current_member();
	if (!member)
		return;
	rport_of(&key, netns_of(sk), IPPROTO_TCP, port);
	real = bpf_map_lookup_elem(&reals, &key);
	if (real && same_group(real->group, member->group))
		ctx->user_port = bpf_htons(real->port);
}

SEC("cgroup/getsockname4")
int up_getsockname4(struct bpf_sock_addr *ctx)
{
	own_name(ctx);
	return 1;
}

SEC("cgroup/getsockname6")
int up_getsockname6(struct bpf_sock_addr *ctx)
{
	own_name(ctx);
	return 1;
}

/* This also gives what accept() answers: the peer may itself be bound to a port of the group. 0: the name stays. */
static __always_inline int peer_name(struct bpf_sock_addr *ctx, struct end *end)
{
	struct bpf_sock *sk = ctx->sk;
	struct up_portsock *sock = bpf_sk_storage_get(&port_socks, sk, 0, 0);
	struct up_member *member;

	if (sock && sock->peer_moved) {
		if (end->port != sock->peer_real)
			return 0;
		end->port = sock->peer_port;
		__builtin_memcpy(end->addr.bytes, sock->peer_addr, 16);
		return 1;
	}
	member = current_member();
	if (!member || !is_ours(ctx->protocol))
		return 0;
	end->port = virtual_of(member->group, netns_of(sk), ctx->protocol, end);
	return 1;
}

SEC("cgroup/getpeername4")
int up_getpeername4(struct bpf_sock_addr *ctx)
{
	struct end end;

	if (!stands_for_one(bpf_ntohs((__u16)ctx->user_port)))
		return 1;
	end_of_v4(&end, ctx->user_ip4, ctx->user_port);
	if (peer_name(ctx, &end)) {
		ctx->user_ip4 = end.addr.words[3];
		ctx->user_port = bpf_htons(end.port);
	}
	return 1;
}

SEC("cgroup/getpeername6")
int up_getpeername6(struct bpf_sock_addr *ctx)
{
	struct end end;

	if (!stands_for_one(bpf_ntohs((__u16)ctx->user_port)))
		return 1;
	END_OF_V6(&end, ctx);
	if (peer_name(ctx, &end)) {
		V6_OF_END(ctx, &end);
		ctx->user_port = bpf_htons(end.port);
	}
	return 1;
}

/* Shows the sender of a datagram. */
SEC("cgroup/recvmsg4")
int up_recvmsg4(struct bpf_sock_addr *ctx)
{
	struct up_member *member;
	struct end end;

	if (!stands_for_one(bpf_ntohs((__u16)ctx->user_port)))
		return 1;
	member = current_member();
	if (!member)
		return 1;
	end_of_v4(&end, ctx->user_ip4, ctx->user_port);
	ctx->user_port = bpf_htons(virtual_of(member->group, netns_of(ctx->sk), IPPROTO_UDP, &end));
	return 1;
}

SEC("cgroup/recvmsg6")
int up_recvmsg6(struct bpf_sock_addr *ctx)
{
	struct up_member *member;
	struct end end;

	if (!stands_for_one(bpf_ntohs((__u16)ctx->user_port)))
		return 1;
	member = current_member();
	if (!member)
		return 1;
	END_OF_V6(&end, ctx);
	ctx->user_port = bpf_htons(virtual_of(member->group, netns_of(ctx->sk), IPPROTO_UDP, &end));
	return 1;
}

#endif
