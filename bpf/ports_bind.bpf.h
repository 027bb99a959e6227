/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A member binds: the wanted port is kept beside the socket, and in its place the kernel gets the group's real port for
 * it, or 0 if there is none yet. post_bind learns which port the socket got. A bind that fails in between leaves
 * nothing.
 */
#ifndef UNDERPASS_PORTS_BIND_H
#define UNDERPASS_PORTS_BIND_H

#include <linux/bpf.h>
#include <linux/errno.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "kernel.h"
#include "ports.h"
#include "ports_identity.bpf.h"
#include "ports_maps.bpf.h"
#include "ports_member.bpf.h"
#include "ports_table.bpf.h"

/* What a bind hook may return. ALLOW_LOW also allows a port below 1024 without CAP_NET_BIND_SERVICE. */
#define REFUSE 0
#define ALLOW 1
#define ALLOW_LOW 3

static __always_inline int has_option(struct bpf_sock_addr *ctx, int option)
{
	int value = 0;

	return !bpf_getsockopt(ctx, SOL_SOCKET, option, &value, sizeof(value)) && value;
}

static __always_inline int is_identity_v4(const struct up_member *member)
{
	return !*(const __u64 *)member->identity && *(const __u32 *)(member->identity + 8) == MAPPED;
}

static __always_inline int is_identity_loopback(const struct up_member *member)
{
	return is_identity_v4(member) && member->identity[12] == 127;
}

/* Can a socket of this family have the member's identity? AF_INET6 can have any (the JDK's sockets are dual-stack). */
static __always_inline int fits_identity(const struct up_member *member, __u32 family)
{
	return has_identity(member) && (family == AF_INET6 || is_identity_v4(member));
}

/*
 * The group's real port for this address; 0 if there is none. All of a virtual port's sockets share one where they can,
 * so that the kernel finds the conflicts, by its own rules for addresses, SO_REUSEADDR and SO_REUSEPORT.
 */
static __always_inline __u16 known_real(const struct up_vport *key, const struct end *end)
{
	struct up_mapping *mapping = bpf_map_lookup_elem(&mappings, key);
	__u16 any = 0;

	if (!mapping || mapping->dead)
		return 0;
	for (int i = 0; i < UP_SLOTS; i++) {
		struct up_slot *slot = &mapping->slots[i];

		if (!slot->refs)
			continue;
		if (same_addr(slot->addr, end->addr.bytes))
			return slot->real;
		if (!any)
			any = slot->real;
	}
	return any;
}

/*
 * Changes `end` to what is to be bound in truth.
 *
 * It leaves multicast groups alone, and UDP sockets with SO_REUSEADDR: on Linux these share a port with all others that
 * set it, which is of use for multicast only, and java.net.MulticastSocket sets it before it binds. With a loopback
 * identity, a UDP socket without a port stays at the wildcard: it may want to send to other hosts, which it cannot from
 * a loopback address. Where it sends to this host, up_sendmsg4 sets the source.
 */
static __always_inline int binding(struct bpf_sock_addr *ctx, struct end *end)
{
	struct bpf_sock *sk = ctx->sk; /* loaded once, as the protocol: the verifier may refuse a second load */
	struct up_member *member = current_member();
	__u32 protocol = ctx->protocol;
	int wildcard = is_wildcard(end), udp = protocol == IPPROTO_UDP, mapped, published, private;
	struct up_portsock *sock;
	__u16 port = end->port, real = 0;
	struct up_vport key;

	if (!wildcard && is_anothers(member, sk, end)) {
		bpf_set_retval(-EADDRNOTAVAIL);
		return REFUSE;
	}
	if (!member || !is_ours(protocol) || sk->src_port || is_multicast(end))
		return ALLOW;
	if (udp && has_option(ctx, SO_REUSEADDR))
		return ALLOW;
	if (udp)
		has_datagrams(member);
	published = port && is_in(member->publish, member->publish_ranges, port);
	mapped = published || (port && is_in(member->ports, member->port_ranges, port));
	private = has_identity(member) && is_localhost(end);
	if (wildcard && fits_identity(member, ctx->family) && !(udp && !port && is_identity_loopback(member)))
		__builtin_memcpy(end->addr.bytes, member->identity, 16);
	else
		wildcard = 0;

	sock = bpf_sk_storage_get(&port_socks, sk, 0,
				  mapped || private ? BPF_SK_STORAGE_GET_F_CREATE : 0);
	vport_of(&key, member, netns_of(sk), protocol, port);
	if (port && (mapped || private))
		real = known_real(&key, end);
	/* Bound before: a datagram socket that is disconnected loses its port, and its owner binds it again. */
	if (sock && sock->held)
		release(sock, bpf_get_socket_cookie(ctx));
	if (!mapped && !private) {
		if (sock)
			sock->pending = 0;
		return ALLOW;
	}
	if (!sock) {
		bpf_set_retval(-ENOBUFS);
		return REFUSE;
	}
	sock->row.key = key;
	sock->row.uid = member->uid;
	sock->row.flags = 0;
	if (published)
		sock->row.flags |= UP_B_PUBLISHED;
	if (private)
		sock->row.flags |= UP_B_PRIVATE;
	if (wildcard)
		sock->row.flags |= UP_B_IDENTITY;
	if (has_option(ctx, SO_REUSEPORT))
		sock->row.flags |= UP_B_REUSEPORT;
	sock->pending = 1;
	if (!port)
		return ALLOW;
	end->port = real;
	if (published && !end->port)
		end->port = port;
	else if (!published && end->port == port)
		end->port = 0; /* another member publishes it; this one may not; up_post_bind finds the conflicts */
	return end->port < 1024 ? ALLOW_LOW : ALLOW;
}

SEC("cgroup/bind4")
int up_bind4(struct bpf_sock_addr *ctx)
{
	struct end end;
	int verdict;

	end_of_v4(&end, ctx->user_ip4, ctx->user_port);
	verdict = binding(ctx, &end);
	if (verdict) {
		ctx->user_ip4 = end.addr.words[3];
		ctx->user_port = bpf_htons(end.port);
	}
	return verdict;
}

SEC("cgroup/bind6")
int up_bind6(struct bpf_sock_addr *ctx)
{
	struct end end;
	int verdict;

	END_OF_V6(&end, ctx);
	verdict = binding(ctx, &end);
	if (verdict) {
		V6_OF_END(ctx, &end);
		ctx->user_port = bpf_htons(end.port);
	}
	return verdict;
}

static __always_inline int has_bound(struct bpf_sock *ctx, const struct end *end)
{
	struct up_portsock *sock;
	int err;

	if (!may_be_member(bpf_get_current_pid_tgid() >> 32))
		return 1;
	sock = bpf_sk_storage_get(&port_socks, ctx, 0, 0);
	if (!sock || !sock->pending)
		return 1;
	sock->pending = 0;
	sock->row.real = end->port;
	if (!sock->row.key.port)
		sock->row.key.port = end->port;
	if (sock->row.key.port != sock->row.real)
		sock->row.flags &= ~UP_B_PUBLISHED;
	if (is_wildcard(end)) {
		__builtin_memset(sock->row.addr, 0, 16);
	} else {
		*(__u64 *)sock->row.addr = end->addr.halves[0];
		*(__u64 *)(sock->row.addr + 8) = end->addr.halves[1];
	}
	sock->row.since_ns = bpf_ktime_get_ns();
	sock->row.tgid = bpf_get_current_pid_tgid() >> 32;
	err = hold(sock, bpf_get_socket_cookie(ctx));
	if (!err)
		return 1;
	bpf_set_retval(err);
	return 0;
}

SEC("cgroup/post_bind4")
int up_post_bind4(struct bpf_sock *ctx)
{
	struct end end;

	end_of_v4(&end, ctx->src_ip4, bpf_htons(ctx->src_port));
	return has_bound(ctx, &end);
}

SEC("cgroup/post_bind6")
int up_post_bind6(struct bpf_sock *ctx)
{
	struct end end;

	end.addr.words[0] = ctx->src_ip6[0];
	end.addr.words[1] = ctx->src_ip6[1];
	end.addr.words[2] = ctx->src_ip6[2];
	end.addr.words[3] = ctx->src_ip6[3];
	end.port = ctx->src_port;
	return has_bound(ctx, &end);
}

/* The last descriptor of a socket is closed, by whatever means. */
SEC("cgroup/sock_release")
int up_sock_release(struct bpf_sock *ctx)
{
	struct up_portsock *sock = bpf_sk_storage_get(&port_socks, ctx, 0, 0);

	if (sock && sock->held)
		release(sock, bpf_get_socket_cookie(ctx));
	return 1;
}

#endif
