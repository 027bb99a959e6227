/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the helper reads of the records: up_dump, of which the flow table is made, and up_held_cgroups. */
#ifndef UNDERPASS_DUMP_H
#define UNDERPASS_DUMP_H

/* Writes one struct up_flow for each established socket with a record. */
SEC("iter/bpf_sk_storage_map")
int up_dump(struct bpf_iter__bpf_sk_storage_map *ctx)
{
	const struct up_sock *rec = ctx->value;
	struct sock *sk = ctx->sk;
	struct up_flow row = {};
	struct tcp_sock *tp;

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
	row.record.pressure = 0;
	row.record.prot = 0;
	tuple_of(&row.tuple, sk);
	row.queued = psock_queued(sk);
	row.tcp_bytes_sent = tp->bytes_acked;
	row.tcp_bytes_received = tp->bytes_received;
	row.age_ns = bpf_ktime_get_ns() - rec->born_ns;
	bpf_seq_write(ctx->meta->seq, &row, sizeof(row));
	return 0;
}

/*
 * Writes the ids of cgroups that are not to be hooked any more and have an enrolled socket: its options have to be answered,
 * also when the connection is over.
 */
SEC("iter/bpf_sk_storage_map")
int up_held_cgroups(struct bpf_iter__bpf_sk_storage_map *ctx)
{
	const struct up_sock *rec = ctx->value;
	struct sock *sk = ctx->sk;
	__u64 id;

	if (!rec || !sk || rec->sk != (__u64)sk || !is_enrolled(rec->state) || is_hooked(sk))
		return 0;
	id = cgroup_of(sk);
	bpf_seq_write(ctx->meta->seq, &id, sizeof(id));
	return 0;
}

#endif
