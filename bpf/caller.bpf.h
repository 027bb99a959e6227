/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Is who registers still who connected? */
#ifndef UNDERPASS_CALLER_H
#define UNDERPASS_CALLER_H

/* The process that connected; 0 if it has ended. */
static __always_inline struct task_struct *task_of(struct pid *pid)
{
	__u32 type = bpf_core_enum_value(enum pid_type, PIDTYPE_TGID);
	struct hlist_head *heads = (void *)pid + bpf_core_field_offset(struct pid, tasks);
	__u64 first = 0;

	bpf_probe_read_kernel(&first, sizeof(first), &heads[type]);
	if (!first)
		return 0;
	return (void *)(first - bpf_core_field_offset(struct task_struct, pid_links) - type * sizeof(struct hlist_node));
}

/*
 * The connection keeps the credentials that its maker had, and so the object of them, which nobody else can get meanwhile. Whoever
 * runs another program, or changes its user, has a new one from then on, also if they are equal.
 *
 * To run a program is first to count it (self_exec_id) and then to take its credentials. What was counted before is therefore looked
 * at first (up_claim), then whether it is about to happen, and then the credentials.
 */
static __always_inline __u32 state_of(struct task_struct *task, __u64 sk)
{
	if (bpf_core_field_exists(struct mutex, owner) && BPF_CORE_READ(task, signal, cred_guard_mutex.owner.counter))
		return UP_CALLER_BUSY;
	return BPF_CORE_READ(task, real_cred) == READ_AT(struct sock, sk, sk_peer_cred) ? UP_CALLER_SAME : UP_CALLER_CHANGED;
}

/* Runs over the open files of the helper: writes for each connection how its maker stands. */
SEC("iter/task_file")
int up_caller(struct bpf_iter__task_file *ctx)
{
	struct up_caller caller = {};
	struct file *file = ctx->file;
	struct task_struct *task;
	struct pid *pid;
	__u64 sk;

	if (!file)
		return 0;
	sk = sock_of(file);
	if (!sk || READ_AT(struct sock, sk, __sk_common.skc_family) != AF_UNIX)
		return 0;
	pid = READ_AT(struct sock, sk, sk_peer_pid);
	if (!pid)
		return 0;
	task = task_of(pid);
	if (!task)
		return 0;
	caller.tgid = BPF_CORE_READ(task, tgid);
	caller.state = state_of(task, sk);
	bpf_seq_write(ctx->meta->seq, &caller, sizeof(caller));
	return 0;
}

#endif
