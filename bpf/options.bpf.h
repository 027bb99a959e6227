/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The socket options of level UP_SOL: what a JVM says of, and asks about, one of its own sockets. */
#ifndef UNDERPASS_OPTIONS_H
#define UNDERPASS_OPTIONS_H

/*
 * Others' options pass untouched. A value longer than a page is shown to programs in part, and before 6.4 the kernel
 * took an unchanged length for an error: a length of 0 says "the caller's own value".
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
		 * A kindness to who moves a live connection by it, and no defence: a 32-bit call passes by, and who is not registered yet
		 * gets no record (is_plausible is what holds against chosen sequence numbers).
		 */
		rec = bpf_sk_storage_get(&socks, ctx->sk, 0, 0);
		if (!rec)
			rec = join(ctx->sk, address_of(ctx->sk));
		if (rec) {
			rec->repaired = 1;
			name(rec);
		}
		return not_ours(ctx);
	}
	if (ctx->level != UP_SOL)
		return not_ours(ctx);
	if (ctx->optname != UP_OPT_JOIN && ctx->optname != UP_OPT_PIN_TCP)
		return 1; /* the kernel's own handler answers ENOPROTOOPT */
	if (value + sizeof(int) > end || !*(int *)value)
		return 1;
	/* Whoever has a socket may pin it, also while its process registers again (Registrations.admit). */
	rec = ctx->optname == UP_OPT_PIN_TCP ? bpf_sk_storage_get(&socks, ctx->sk, 0, 0) : 0;
	/* What others accept from a shared listener would begin with a record of this process's. */
	if (ctx->optname == UP_OPT_JOIN && ctx->sk->state == BPF_TCP_LISTEN)
		return 1;
	sk = address_of(ctx->sk);
	if (!rec)
		rec = join(ctx->sk, sk);
	if (!rec)
		return 1;
	if (ctx->optname == UP_OPT_PIN_TCP) {
		rec->pinned = 1;
		if (rec->sk == sk)
			name(rec); /* to be taken off: an enrolled socket that always passes is slower than plain */
	} else if (rec->id && rec->sk == sk && bpf_map_lookup_elem(&halves, &rec->id)) {
		if (rec->asked)
			name(rec); /* another process's now */
		tend(ctx->sk, rec);
	} else {
		introduce(rec, sk);
		name(rec); /* to find its other end */
	}
	ctx->optlen = -1; /* done; not for the kernel's handler */
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
	if (fault & UP_FAULT_UNREAD || (fault & UP_FAULT_BOTH && in_tcp))
		return in_tcp;
	return psock_queued(sk) + (fault & UP_FAULT_AVAILABLE ? 0 : in_tcp);
}

/* So much unread is no reason to wait: the reader has work, and its processor's cache holds it. */
#define READER_HAS_WORK 262144

/*
 * Did the other end run on another processor when it last sent by TCP? Over loopback the receiving side of TCP runs on the
 * sender's. On one processor nobody is woken before the writer is done, and a first part is only one message more.
 */
static __always_inline int is_elsewhere(const struct up_sock *rec)
{
	return READ_AT(struct sock, rec->sk, __sk_common.skc_incoming_cpu) != (int)bpf_get_smp_processor_id();
}

/*
 * What a writer of much should wait for: that the reader comes along, before the redirect has no room any more; or, where the
 * direction goes by TCP, that the reader has read all, and the redirect can go on. And whether the reader has nothing to do
 * on another processor, and can be woken by a first part of the message while the rest is copied.
 */
static __always_inline int behind(const struct up_sock *rec)
{
	const struct tcp_sock *tp = (const struct tcp_sock *)rec->sk;
	__u32 unread, enough;

	if (rec->state != UP_READY || rec->pinned)
		return -1;
	if (rec->tx == UP_TX_REDIRECT) {
		/* A stream's reader is hardly ever idle, and its messages are to be seen as large as they are (review). */
		if (!(rec->flags & UP_F_STREAM) && !held_by(rec->peer_sk) && !READ_AT(struct sock, rec->peer_sk, sk_lock.owned) && is_elsewhere(rec))
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
 * Was the connection ended by a reset that the next call would be told of, as ECONNRESET? tcp_bpf_sendmsg, when a reset
 * ends its wait for memory, takes the error off the socket (sk_stream_error) even where it then returns what it has sent
 * before; TCP leaves it to the next call, and without it a read sees an orderly end. So the JVM asks, where it sees one.
 * After a FIN (SOCK_DONE) a reset is an EPIPE (tcp_reset), which no read is told of. A connection that TCP gave up has a
 * retransmission or a probe without an answer.
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
	 * A socket without a record gets an answer too, since to be refused would cost its JVM an exception; unless it has one:
	 * the programs of another helper are attached here as well, or below, and it is theirs.
	 */
	if (!rec && !ctx->retval)
		return 1;
	if (rec && rec->sk != (__u64)ctx->sk)
		rec = 0; /* a copy of its listener's: nothing is known of it */
	switch (ctx->optname) {
	case UP_OPT_AVAILABLE:
		/* Enrolled or not: it may have been when the kernel's own count was asked for, just before. */
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
