// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* One of each thing that the bindings deal with; LoadTest compiles and loads it. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

char _license[] SEC("license") = "Dual BSD/GPL";

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
struct sock_common {
	unsigned short skc_num;
};
struct seq_file;
struct bpf_iter_meta {
	struct seq_file *seq;
};
struct bpf_iter__tcp {
	struct bpf_iter_meta *meta;
	struct sock_common *sk_common;
};
struct bpf_iter__task_file {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
	__u32 fd;
};
#pragma clang attribute pop

struct {
	__uint(type, BPF_MAP_TYPE_SOCKHASH);
	__uint(max_entries, 16);
	__type(key, __u64);
	__type(value, __u64);
} sockets SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u64);
} table SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} counts SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} events SEC(".maps");

const volatile __u8 narrow = 1;
const volatile __u64 wide = 1;

SEC("cgroup/sock_create")
int on_create(struct bpf_sock *sk)
{
	__u32 zero = 0, *count = bpf_map_lookup_elem(&counts, &zero);
	__u64 *event = bpf_ringbuf_reserve(&events, 2 * sizeof(__u64), 0);

	if (count)
		*count += 1;
	if (event) {
		event[0] = wide;
		event[1] = narrow;
		bpf_ringbuf_submit(event, 0);
	}
	return 1;
}

SEC("sk_msg")
int pass(struct sk_msg_md *msg)
{
	return SK_PASS;
}

SEC("iter/tcp")
int ports(struct bpf_iter__tcp *ctx)
{
	struct sock_common *sk = ctx->sk_common;
	__u32 port;

	if (!sk)
		return 0;
	port = sk->skc_num;
	bpf_seq_write(ctx->meta->seq, &port, sizeof(port));
	return 0;
}

/* Rows of 256 bytes, so that 200 files are more than one read of 8 pages gives. */
SEC("iter/task_file")
int files(struct bpf_iter__task_file *ctx)
{
	__u32 row[64] = {};

	if (!ctx->task)
		return 0;
	row[0] = ctx->fd;
	bpf_seq_write(ctx->meta->seq, row, sizeof(row));
	return 0;
}

#ifdef REFUSED
SEC("sk_msg")
int refused(struct sk_msg_md *msg)
{
	__u64 *anywhere = (void *)(long)msg->size;

	return *anywhere;
}
#endif

#ifdef ELEMENTS
/* A kind that hardened kernels refuse whole. */
SEC("iter/bpf_map_elem")
int elements(void *ctx)
{
	return 0;
}
#endif
