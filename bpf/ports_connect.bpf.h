/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A member connects, or sends a datagram: to the real port, and from its identity. */
#ifndef UNDERPASS_PORTS_CONNECT_H
#define UNDERPASS_PORTS_CONNECT_H

#include <linux/bpf.h>
#include <linux/errno.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "kernel.h"
#include "ports.h"
#include "ports_bind.bpf.h"
#include "ports_identity.bpf.h"
#include "ports_maps.bpf.h"
#include "ports_member.bpf.h"
#include "ports_table.bpf.h"

/* The families that localhost may turn into. */
#define TO_V4 1
#define TO_V6 2

/*
 * Changes `end` to where the group's socket is in truth; 0 if no socket of the group is on that port.
 *
 * A socket that is bound to the address itself comes first, then one at the wildcard. For localhost, one that was moved
 * from the wildcard to an identity comes last. The group's port stands for all addresses of the host: where no socket
 * of the group is bound to this one, the answer is "connection refused", as it would be from a host of the group's own.
 */
static __always_inline int translate(struct bpf_sock_addr *ctx, const struct up_member *member, __u32 netns,
				     struct end *end, int families)
{
	__u32 exact = 0, wildcard = 0, moved = 0, used = 0;
	int host = is_localhost(end) || is_wildcard(end), at;
	struct up_mapping *mapping;
	struct up_vport key;
	__u32 turn;

	vport_of(&key, member, netns, ctx->protocol, end->port);
	mapping = bpf_map_lookup_elem(&mappings, &key);
	if (!mapping)
		return 0;
	/* Nearly always there is one slot. This may see a bind or close at this moment or not, as with the lock. */
	if (mapping->slots[0].refs && !mapping->slots[1].refs &&
	    !(any_of(mapping->slots[0].addr) && unlike(mapping->slots[0].addr, end->addr.bytes))) {
		end->port = mapping->slots[0].real;
		return 1;
	}
	/* Of several slots that fit, each socket has its own, and keeps it: SO_REUSEPORT does the same. */
	turn = bpf_get_socket_cookie(ctx) & (UP_SLOTS - 1);
	bpf_spin_lock(&mapping->lock);
	for (int i = 0; i < UP_SLOTS; i++) {
		struct up_slot *slot = &mapping->slots[i];
		__u32 held = ~bit_if(slot->refs, i) & (1U << i);
		__u32 v4 = bit_if(*(__u32 *)(slot->addr + 8) ^ MAPPED, i);

		used |= held;
		exact |= held & bit_if(unlike(slot->addr, end->addr.bytes), i);
		wildcard |= held & bit_if(any_of(slot->addr), i);
		moved |= held & bit_if((slot->flags & UP_B_IDENTITY) ^ UP_B_IDENTITY, i) &
			 ((families & TO_V4 ? v4 : 0) | (families & TO_V6 ? ~v4 : 0));
	}
	if (exact)
		used = exact;
	else if (wildcard)
		used = wildcard;
	else if (host && moved)
		used = moved;
	else
		moved = 0;
	moved &= ~(exact | wildcard);
	at = first_of((used >> turn | used << (UP_SLOTS - turn)) & ((1U << UP_SLOTS) - 1));
	if (at >= 0) {
		at += turn;

		struct up_slot *slot = &mapping->slots[at & (UP_SLOTS - 1)];

		end->port = slot->real;
		if (moved && used == moved) {
			end->addr.halves[0] = *(__u64 *)slot->addr;
			end->addr.halves[1] = *(__u64 *)(slot->addr + 8);
		}
	}
	bpf_spin_unlock(&mapping->lock);
	return at >= 0;
}

static __always_inline int is_anything_private(void)
{
	__u32 zero = 0;
	struct up_ports_state *state = bpf_map_lookup_elem(&ports_state, &zero);

	return state && state->privates;
}

/* Does no rule concern this caller? Nearly always; this is asked before anything is copied. */
static __always_inline int is_bystander(void)
{
	return !may_be_member(bpf_get_current_pid_tgid() >> 32) && !is_anything_private() && !is_any_identity();
}

/* The same for a datagram, and for members that send to no virtual port, as one that answers does. */
static __always_inline int goes_as_it_is(__u16 port)
{
	__u8 sender = may_be_member(bpf_get_current_pid_tgid() >> 32);

	return !is_anything_private() && !is_any_identity() &&
	       (!sender || (sender == UP_MAY_BE_MEMBER && !is_virtual(port)));
}

/* Is this end private to another group? `member` is NULL for a process outside any group. */
static __always_inline int is_forbidden(const struct up_member *member, struct bpf_sock *sk, __u8 protocol,
					const struct end *end)
{
	struct up_rport key;
	struct up_real *real;

	if (!is_anything_private())
		return 0;
	if (!is_localhost(end) && !is_wildcard(end))
		return 0;
	rport_of(&key, netns_of(sk), protocol, end->port);
	real = bpf_map_lookup_elem(&reals, &key);
	if (!real || (member && same_group(member->group, real->group)))
		return 0;
	return real->flags & (is_v4(end) ? UP_R_PRIVATE4 : UP_R_PRIVATE6);
}

/* Does what this member sends there come from its identity? A loopback address reaches this host only. */
static __always_inline int comes_from_identity(const struct up_member *member, const struct end *end, int local)
{
	if (!has_identity(member) || is_identity_v4(member) != is_v4(end))
		return 0;
	return local || !is_identity_loopback(member);
}

/* Keeps for getpeername what the application connected to, where the address is another. 0: no memory. */
static __always_inline int remember_peer(struct bpf_sock *sk, const struct end *wanted, const struct end *end)
{
	int moved = wanted->addr.halves[0] != end->addr.halves[0] || wanted->addr.halves[1] != end->addr.halves[1];
	struct up_portsock *sock;

	sock = bpf_sk_storage_get(&port_socks, sk, 0, moved ? BPF_SK_STORAGE_GET_F_CREATE : 0);
	if (!sock)
		return !moved;
	sock->peer_port = wanted->port;
	sock->peer_real = end->port;
	sock->peer_moved = moved;
	__builtin_memcpy(sock->peer_addr, wanted->addr.bytes, 16);
	return 1;
}

/* The kernel's struct sockaddr_in and sockaddr_in6, whose header does not go with kernel.h. */
struct sockaddr_v4 {
	__u16 family;
	__be16 port;
	__u8 addr[4];
	__u8 zero[8];
};

struct sockaddr_v6 {
	__u16 family;
	__be16 port;
	__be32 flow;
	__u8 addr[16];
	__u32 scope;
};

/* Sets the source address before the kernel chooses it; the port is still the kernel's choice. */
static __always_inline long come_from(struct bpf_sock_addr *ctx, const __u8 addr[16])
{
	if (ctx->family == AF_INET) {
		struct sockaddr_v4 from = {.family = AF_INET};

		__builtin_memcpy(from.addr, addr + 12, 4);
		return bpf_bind(ctx, (struct sockaddr *)&from, sizeof(from));
	} else {
		struct sockaddr_v6 from = {.family = AF_INET6};

		__builtin_memcpy(from.addr, addr, 16);
		return bpf_bind(ctx, (struct sockaddr *)&from, sizeof(from));
	}
}

static __always_inline void localhost_of(struct end *localhost, int v4)
{
	localhost->addr.halves[0] = 0;
	localhost->addr.words[2] = v4 ? MAPPED : 0;
	localhost->addr.words[3] = bpf_htonl(v4 ? 0x7f000001 : 1);
	localhost->port = 0;
}

static __always_inline int has_address(struct bpf_sock *sk)
{
	return (sk->src_ip4 | sk->src_ip6[0] | sk->src_ip6[1] | sk->src_ip6[2] | sk->src_ip6[3]) != 0;
}

/*
 * To an address on this host the kernel connects from that very address (within 127.0.0.0/8, from 127.0.0.1): to an
 * identity, from the identity. Only its holder may come from there, so this lets others come from localhost. Returns 0
 * where the socket has a port already, and so no choice left, else 1. Datagram sockets are excused, since Java gives
 * each a port first; by that address they reach the holder alone.
 */
static __always_inline int comes_from_elsewhere(struct bpf_sock_addr *ctx, struct bpf_sock *sk,
						const struct up_member *member, const struct end *end)
{
	struct end localhost;

	if (is_loopback(end) || !is_anothers(member, sk, end) || has_address(sk))
		return 1;
	localhost_of(&localhost, is_v4(end));
	if (sk->src_port)
		return sk->protocol == IPPROTO_UDP;
	return !come_from(ctx, localhost.addr.bytes);
}

static __always_inline int failed(int err)
{
	bpf_set_retval(err);
	return 0;
}

static __always_inline int connecting(struct bpf_sock_addr *ctx, struct end *end)
{
	struct bpf_sock *sk = ctx->sk; /* loaded once: the verifier may refuse a second load */
	struct up_member *member = current_member();
	struct end wanted = *end;
	__u32 netns;
	int local;

	if (!is_ours(ctx->protocol))
		return 1;
	if (!member)
		return is_forbidden(0, sk, ctx->protocol, end) ? failed(-ECONNREFUSED)
		       : comes_from_elsewhere(ctx, sk, 0, end) ? 1 : failed(-EADDRNOTAVAIL);
	netns = netns_of(sk);
	local = is_local(end, netns);
	if (local && !translate(ctx, member, netns, end, ctx->family == AF_INET6 ? TO_V4 | TO_V6 : TO_V4) &&
	    is_forbidden(member, sk, ctx->protocol, end))
		return failed(-ECONNREFUSED);
	if (ctx->protocol == IPPROTO_UDP && (wanted.port != end->port || has_identity(member)))
		has_datagrams(member); /* not for the C library's resolver, which connects to its server */
	if (!remember_peer(sk, &wanted, end))
		return failed(-ENOBUFS);
	if (!sk->src_port && comes_from_identity(member, end, local))
		come_from(ctx, member->identity);
	else if (!comes_from_elsewhere(ctx, sk, member, end))
		return failed(-EADDRNOTAVAIL);
	return 1;
}

SEC("cgroup/connect4")
int up_group_connect4(struct bpf_sock_addr *ctx)
{
	struct end end;
	int verdict;

	if (is_bystander())
		return 1;
	end_of_v4(&end, ctx->user_ip4, ctx->user_port);
	verdict = connecting(ctx, &end);
	ctx->user_ip4 = end.addr.words[3];
	ctx->user_port = bpf_htons(end.port);
	return verdict;
}

SEC("cgroup/connect6")
int up_group_connect6(struct bpf_sock_addr *ctx)
{
	struct end end;
	int verdict;

	if (is_bystander())
		return 1;
	END_OF_V6(&end, ctx);
	verdict = connecting(ctx, &end);
	V6_OF_END(ctx, &end);
	ctx->user_port = bpf_htons(end.port);
	return verdict;
}

/*
 * A datagram with an address: 1 to let it go. A forbidden one fails with EPERM, as behind a firewall: the sender would
 * take ECONNREFUSED for the answer to an earlier one, and try again.
 * @source: the address that the sender has chosen to come from, or the wildcard; changed to the one that it comes from
 */
static __always_inline int sending(struct bpf_sock_addr *ctx, struct end *end, struct up_member *member,
				   struct end *source)
{
	struct bpf_sock *sk = ctx->sk;
	__u32 netns;
	int local;

	if (!is_wildcard(source) && is_anothers(member, sk, source))
		return 0;
	if (!member) {
		if (is_forbidden(0, sk, IPPROTO_UDP, end))
			return 0;
	} else {
		netns = netns_of(sk);
		local = is_local(end, netns);
		if (local && !translate(ctx, member, netns, end, is_v4(end) ? TO_V4 : TO_V6) &&
		    is_forbidden(member, sk, IPPROTO_UDP, end))
			return 0;
		if (is_wildcard(source) && comes_from_identity(member, end, local) && !is_multicast(end))
			__builtin_memcpy(source->addr.bytes, member->identity, 16);
	}
	if (is_wildcard(source) && !is_loopback(end) && is_anothers(member, sk, end))
		localhost_of(source, is_v4(end));
	return 1;
}

/* This hook also gets what a dual-stack socket sends to IPv4: udpv6_sendmsg hands that over before its own hook. */
SEC("cgroup/sendmsg4")
int up_sendmsg4(struct bpf_sock_addr *ctx)
{
	struct end end, source;

	if (goes_as_it_is(bpf_ntohs((__u16)ctx->user_port)))
		return 1;
	end_of_v4(&end, ctx->user_ip4, ctx->user_port);
	end_of_v4(&source, ctx->msg_src_ip4, 0);
	if (!sending(ctx, &end, current_member(), &source))
		return 0;
	ctx->user_ip4 = end.addr.words[3];
	ctx->user_port = bpf_htons(end.port);
	ctx->msg_src_ip4 = source.addr.words[3];
	return 1;
}

SEC("cgroup/sendmsg6")
int up_sendmsg6(struct bpf_sock_addr *ctx)
{
	struct end end, source;

	if (goes_as_it_is(bpf_ntohs((__u16)ctx->user_port)))
		return 1;
	END_OF_V6(&end, ctx);
	if (is_v4(&end))
		return 1;
	source.addr.words[0] = ctx->msg_src_ip6[0];
	source.addr.words[1] = ctx->msg_src_ip6[1];
	source.addr.words[2] = ctx->msg_src_ip6[2];
	source.addr.words[3] = ctx->msg_src_ip6[3];
	source.port = 0;
	if (!sending(ctx, &end, current_member(), &source))
		return 0;
	if (is_v4(&end)) /* the kernel does not take a v4-mapped one here */
		return 1;
	V6_OF_END(ctx, &end);
	ctx->user_port = bpf_htons(end.port);
	ctx->msg_src_ip6[0] = source.addr.words[0];
	ctx->msg_src_ip6[1] = source.addr.words[1];
	ctx->msg_src_ip6[2] = source.addr.words[2];
	ctx->msg_src_ip6[3] = source.addr.words[3];
	return 1;
}

#endif
