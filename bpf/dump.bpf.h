/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* up_dump: one struct up_flow for each established socket with a record; the flow table is made of it. */
#ifndef UNDERPASS_DUMP_H
#define UNDERPASS_DUMP_H

static __always_inline void address(__u8 to[16], const struct in6_addr *v6, __be32 v4, __u16 family)
{
	if (family == AF_INET6) {
		__builtin_memcpy(to, v6->in6_u.u6_addr8, 16);
		return;
	}
	__builtin_memset(to, 0, 10);
	to[10] = 0xff;
	to[11] = 0xff;
	__builtin_memcpy(to + 12, &v4, 4);
}

SEC("iter/bpf_sk_storage_map")
int up_dump(struct bpf_iter__bpf_sk_storage_map *ctx)
{
	const struct up_sock *rec = ctx->value;
	struct sock *sk = ctx->sk;
	struct up_flow row = {};
	struct in6_addr v6;
	struct tcp_sock *tp;
	__u16 family;

	if (!rec || !sk || !rec->cookie || rec->sk != (__u64)sk)
		return 0; /* a listener, or not scanned yet */
	if (sk->__sk_common.skc_state != BPF_TCP_ESTABLISHED &&
	    (!is_enrolled(rec->state) || sk->__sk_common.skc_state == BPF_TCP_CLOSE))
		return 0;
	tp = bpf_skc_to_tcp_sock(sk);
	if (!tp)
		return 0;
	row.record = *rec;
	row.record.sk = 0; /* addresses of the kernel stay there */
	row.record.peer_sk = 0;
	family = sk->__sk_common.skc_family;
	v6 = BPF_CORE_READ(sk, __sk_common.skc_v6_rcv_saddr);
	address(row.local_addr, &v6, sk->__sk_common.skc_rcv_saddr, family);
	v6 = BPF_CORE_READ(sk, __sk_common.skc_v6_daddr);
	address(row.remote_addr, &v6, sk->__sk_common.skc_daddr, family);
	row.local_port = sk->__sk_common.skc_num;
	row.remote_port = bpf_ntohs(sk->__sk_common.skc_dport);
	row.queued = psock_queued(sk);
	row.tcp_bytes_sent = tp->bytes_acked;
	row.tcp_bytes_received = tp->bytes_received;
	row.age_ns = bpf_ktime_get_ns() - rec->born_ns;
	bpf_seq_write(ctx->meta->seq, &row, sizeof(row));
	return 0;
}

#endif
