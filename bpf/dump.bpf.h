/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the helper reads of the records, for the flow table. up_dump finds the sockets as visits do, and changes
 * nothing.
 */
#ifndef UNDERPASS_DUMP_H
#define UNDERPASS_DUMP_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "flow.bpf.h"
#include "kernel.h"
#include "lookup.bpf.h"
#include "maps.bpf.h"
#include "pairing.bpf.h"
#include "underpass.h"

static __attribute__((noinline)) int fill_row(struct up_flow *row, struct up_sock *rec, struct tcp_sock *tp)
{
	const struct sock *sk;
	__u8 state;

	if (!row || !rec || !tp)
		return 0;
	sk = &tp->inet_conn.icsk_inet.sk;
	state = sk->__sk_common.skc_state;
	row->outcome = UP_VISIT_NONE;
	if (state != BPF_TCP_ESTABLISHED && (!is_enrolled(rec->state) || state == BPF_TCP_CLOSE))
		return 0;
	row->record = *rec;
	row->record.sk = 0; /* addresses of the kernel stay in the kernel */
	row->record.peer_sk = 0;
	row->record.pressure = 0;
	row->record.prot = 0;
	tuple_of(&row->tuple, (__u64)tp);
	row->queued = psock_queued(sk);
	row->tcp_bytes_sent = tp->bytes_acked;
	row->tcp_bytes_received = tp->bytes_received;
	row->age_ns = bpf_ktime_get_ns() - rec->born_ns;
	row->outcome = UP_VISIT_DONE;
	return 0;
}

static __always_inline void dump_socket(struct tcp_sock *tp, struct up_flow *row, __u64 id)
{
	struct up_sock *rec = bpf_sk_storage_get(&socks, tp, 0, 0);

	if (rec && rec->id == id && rec->sk == (__u64)tp)
		fill_row(row, rec, tp);
}

static long dump_one(__u32 i, struct run *run)
{
	struct up_flow *row = bpf_map_lookup_elem(&rows, &i);
	struct up_half *half;
	struct tcp_sock *tp;
	struct bpf_sock *sk;
	int elsewhere;
	__u64 id;

	if (!row)
		return 1;
	id = row->record.id;
	row->outcome = UP_VISIT_GONE;
	half = half_of(id);
	if (half)
		row->netns_inum = half->netns_inum;
	sk = find(run, id, half, &elsewhere);
	if (elsewhere && half) {
		row->bound_dev_if = half->bound_dev_if;
		row->outcome = UP_VISIT_ELSEWHERE;
		return 0;
	}
	if (sk) {
		tp = bpf_skc_to_tcp_sock(sk);
		if (tp)
			dump_socket(tp, row, id);
		bpf_sk_release(sk);
	}
	return 0;
}

SEC("tc")
int up_dump(struct __sk_buff *ctx)
{
	struct run run = run_of(ctx);

	bpf_loop(ctx->cb[CB_COUNT], dump_one, &run, 0);
	return 0;
}

#endif
