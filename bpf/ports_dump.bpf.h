/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* up_ports_dump: one struct up_bound for each socket that holds a virtual port. */
#ifndef UNDERPASS_PORTS_DUMP_H
#define UNDERPASS_PORTS_DUMP_H

SEC("iter/bpf_sk_storage_map")
int up_ports_dump(struct bpf_iter__bpf_sk_storage_map *ctx)
{
	const struct up_portsock *sock = ctx->value;
	struct sock *sk = ctx->sk;
	struct up_bound row = {};

	if (!sock || !sk || !sock->held)
		return 0;
	row.key = sock->key;
	__builtin_memcpy(row.addr, sock->addr, 16);
	row.age_ns = bpf_ktime_get_ns() - sock->since_ns;
	row.tgid = sock->tgid;
	row.uid = sock->uid;
	row.real = sock->real;
	row.flags = sock->flags;
	bpf_seq_write(ctx->meta->seq, &row, sizeof(row));
	return 0;
}

#endif
