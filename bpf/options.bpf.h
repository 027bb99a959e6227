/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The socket options of level UP_SOL: what a JVM sets on one of its own sockets, and asks about it. */
#ifndef UNDERPASS_OPTIONS_H
#define UNDERPASS_OPTIONS_H

#include <linux/bpf.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "back_pressure.bpf.h"
#include "flow.bpf.h"
#include "identity.bpf.h"
#include "kernel.h"
#include "maps.bpf.h"
#include "room.bpf.h"
#include "socket.bpf.h"
#include "underpass.h"

/*
 * Other options pass untouched. The kernel shows programs a value longer than a page in part, and before 6.4 it took an
 * unchanged length for an error: a length of 0 says "the caller's own value".
 */
static __always_inline int not_ours(struct bpf_sockopt *ctx)
{
	if (ctx->optlen > PAGE_SIZE)
		ctx->optlen = 0;
	return 1;
}

SEC("cgroup/setsockopt")
int up_setsockopt(struct bpf_sockopt *ctx)
{
	__u8 *value = ctx->optval, *end = ctx->optval_end;
	struct up_sock *rec;
	__u64 sk;

	if (ctx->level == SOL_TCP && ctx->optname == TCP_REPAIR) {
		/*
		 * This serves a program that moves a live connection by TCP_REPAIR, and is no defence: a 32-bit call
		 * passes by, and a process that is not registered gets no record. is_plausible is the defence against
		 * chosen sequence numbers.
		 */
		rec = bpf_sk_storage_get(&socks, ctx->sk, 0, 0);
		if (!rec)
			rec = record_of_caller(ctx->sk, address_of(ctx->sk));
		if (rec) {
			rec->repaired = 1;
			notify(rec);
		}
		return not_ours(ctx);
	}
	if (ctx->level != UP_SOL)
		return not_ours(ctx);
	if (ctx->optname != UP_OPT_ACCELERATE && ctx->optname != UP_OPT_PIN_TCP)
		return 1; /* the kernel's own handler answers ENOPROTOOPT */
	if (value + sizeof(int) > end || !*(int *)value)
		return 1;
	/* Any process that has a socket may pin it, also while it registers again (Registrations.admit). */
	rec = ctx->optname == UP_OPT_PIN_TCP ? bpf_sk_storage_get(&socks, ctx->sk, 0, 0) : 0;
	/* The record of a listener would be copied to each socket that it accepts, perhaps in another process. */
	if (ctx->optname == UP_OPT_ACCELERATE && ctx->sk->state == BPF_TCP_LISTEN)
		return 1;
	sk = address_of(ctx->sk);
	if (!rec)
		rec = record_of_caller(ctx->sk, sk);
	if (!rec)
		return 1;
	if (ctx->optname == UP_OPT_PIN_TCP) {
		rec->pinned = 1;
		if (rec->sk == sk)
			notify(rec); /* to be taken off: an enrolled socket that always passes is slower than plain */
	} else if (rec->id && rec->sk == sk && bpf_map_lookup_elem(&halves, &rec->id)) {
		if (rec->claimed)
			notify(rec); /* it belongs to another process now */
		tend(ctx->sk, rec);
	} else {
		introduce(rec, sk);
		notify(rec); /* to find its other end */
	}
	ctx->optlen = -1; /* done: the kernel's own handler does not run */
	return 1;
}

static __always_inline int has_flag(const struct sock *sk, int flag)
{
	return (BPF_CORE_READ(sk, __sk_common.skc_flags) >> flag) & 1;
}

/* What tcp_inq() says of the TCP queue, and the psock queue, which is read before it. */
static __always_inline int readable(const struct up_sock *rec)
{
	const struct tcp_sock *tp = (const struct tcp_sock *)rec->sk;
	const struct sock *sk = (const struct sock *)rec->sk;
	__u32 copied = BPF_CORE_READ(tp, copied_seq);
	__u32 in_tcp = BPF_CORE_READ(tp, rcv_nxt) - copied;
	__u32 to_urgent = BPF_CORE_READ(tp, urg_seq) - copied;

	if (BPF_CORE_READ(tp, urg_data) && !has_flag(sk, SOCK_URGINLINE) && to_urgent < in_tcp)
		in_tcp = to_urgent;
	else if (in_tcp && has_flag(sk, SOCK_DONE))
		in_tcp--; /* a received FIN has a sequence number too */
	if (FAULT(UNREAD) || (FAULT(BOTH) && in_tcp))
		return in_tcp;
	return psock_queued(sk) + (FAULT(AVAILABLE) ? 0 : in_tcp);
}

/* Unread bytes up to which a writer need not wait: the reader has work, and its processor's cache holds them. */
#define READER_HAS_WORK 262144

/*
 * Did the other end run on another processor when it last sent by TCP? Over loopback the receiving side of TCP runs on
 * the processor of the sender. On one processor the reader does not run before the writer is done, and a first part
 * would only be one message more.
 */
static __always_inline int is_elsewhere(const struct up_sock *rec)
{
	return READ_AT(struct sock, rec->sk, __sk_common.skc_incoming_cpu) != (int)bpf_get_smp_processor_id();
}

/*
 * The answer to UP_OPT_BEHIND: how many bytes a writer of much should wait for the reader to read. Where the direction
 * is redirected: before the redirect has no room any more. Where it goes by TCP: until all is read, and the redirect
 * can go on. UP_READER_WAITS: the reader has nothing to do, on another processor. A first part of the message then
 * wakes it while the rest is copied.
 */
static __always_inline int behind(const struct up_sock *rec)
{
	const struct tcp_sock *tp = (const struct tcp_sock *)rec->sk;
	__u32 unread, enough;

	if (rec->state != UP_READY || rec->pinned)
		return -1;
	if (rec->tx == UP_TX_REDIRECT) {
		/*
		 * Not for a stream: its reader is hardly ever idle, and judge() has to see how large its messages are.
		 */
		if (!(rec->flags & UP_F_STREAM) && !held_by(rec->peer_sk) &&
		    !READ_AT(struct sock, rec->peer_sk, sk_lock.owned) && is_elsewhere(rec))
			return UP_READER_WAITS;
		enough = limit_of(rec->peer_sk) / 2;
		if (enough > READER_HAS_WORK)
			enough = READER_HAS_WORK;
		unread = held_by(rec->peer_sk);
		return unread > enough ? unread : 0;
	}
	unread = BPF_CORE_READ(tp, write_seq) - READ_AT(struct tcp_sock, rec->peer_sk, copied_seq);
	return (int)unread > 0 ? unread : 0;
}

/*
 * Did a reset end the connection that plain TCP would tell the next call of, as ECONNRESET? When a reset ends the wait
 * of tcp_bpf_sendmsg for memory, that takes the error off the socket (sk_stream_error), even where it then returns what
 * it sent before. TCP leaves the error to the next call; without it a read sees an orderly end. So the JVM asks where
 * it sees an end. After a FIN (SOCK_DONE) a reset is an EPIPE (tcp_reset), which TCP tells no read of. A connection
 * that TCP gave up has a retransmission or a probe without an answer.
 */
static __always_inline int was_reset(const struct up_sock *rec)
{
	const struct sock *sk = (const struct sock *)rec->sk;

	return rec->prot && BPF_CORE_READ(sk, __sk_common.skc_state) == BPF_TCP_CLOSE && !has_flag(sk, SOCK_DONE) &&
	       !READ_AT(struct inet_connection_sock, rec->sk, icsk_retransmits) &&
	       !READ_AT(struct inet_connection_sock, rec->sk, icsk_probes_out);
}

SEC("cgroup/getsockopt")
int up_getsockopt(struct bpf_sockopt *ctx)
{
	__u8 *value = ctx->optval, *end = ctx->optval_end;
	struct up_sock *rec;
	int answer;

	if (ctx->level != UP_SOL)
		return not_ours(ctx);
	if (value + sizeof(int) > end)
		return 1;
	rec = bpf_sk_storage_get(&socks, ctx->sk, 0, 0);
	/*
	 * A socket without a record gets an answer too, since a refusal would cost its JVM an exception. But where it
	 * has an answer already, the programs of another helper are attached too, here or below, and the socket is
	 * theirs.
	 */
	if (!rec && !ctx->retval)
		return 1;
	if (rec && rec->sk != (__u64)ctx->sk)
		rec = 0; /* a copy of its listener's record: nothing is known of this socket */
	switch (ctx->optname) {
	case UP_OPT_AVAILABLE:
		/*
		 * Also where it is not enrolled: it may have been a moment ago, when the JVM asked for the kernel's own
		 * count.
		 */
		answer = rec ? readable(rec) : -1;
		break;
	case UP_OPT_ENROLLED:
		answer = rec && is_enrolled(rec->state) ? 1 : -1;
		break;
	case UP_OPT_UNREAD:
		answer = rec && is_enrolled(rec->state) ? psock_queued((const struct sock *)rec->sk) : 0;
		break;
	case UP_OPT_BEHIND:
		answer = rec ? behind(rec) : -1;
		break;
	case UP_OPT_RESET:
		answer = rec && was_reset(rec);
		break;
	default:
		return 1;
	}
	*(int *)value = answer;
	ctx->optlen = sizeof(int);
	barrier(); /* one 64-bit store to both members would be refused by the verifier */
	ctx->retval = 0;
	return 1;
}

#endif
