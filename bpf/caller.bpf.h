/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Does the process that connected to the helper still run the same program, as the same user? */
#ifndef UNDERPASS_CALLER_H
#define UNDERPASS_CALLER_H

#include <linux/bpf.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "flow.bpf.h"
#include "identity.bpf.h"
#include "kernel.h"
#include "underpass.h"

/* The process with this pid; 0 if it has ended. */
static __always_inline struct task_struct *task_of(struct pid *pid)
{
	__u32 type = bpf_core_enum_value(enum pid_type, PIDTYPE_TGID);
	struct hlist_head *heads = (void *)pid + bpf_core_field_offset(struct pid, tasks);
	__u64 first = 0, offset = bpf_core_field_offset(struct task_struct, pid_links);
	bpf_probe_read_kernel(&first, sizeof(first), &heads[type]);
	if (!first)
		return 0;
	return (void *)(first - offset - type * sizeof(struct hlist_node));
}

/*
 * The connection keeps the credentials of the process that made it, and so the very object, which no other process can
 * get meanwhile. A process that runs another program, or changes its user, has a new object from then on, be it equal.
 *
 * An exec first counts (self_exec_id) and then takes its credentials. So the count is read first (up_claim), then
 * whether an exec is under way, and then the credentials.
 */
static __always_inline enum up_caller_state state_of(struct task_struct *task, __u64 sk)
{
	if (bpf_core_field_exists(struct mutex, owner) && BPF_CORE_READ(task, signal, cred_guard_mutex.owner.counter))
		return UP_CALLER_BUSY;
	if (BPF_CORE_READ(task, real_cred) != READ_AT(struct sock, sk, sk_peer_cred))
		return UP_CALLER_CHANGED;
	return UP_CALLER_SAME;
}

/* Runs over the open files of the helper: writes for each connection the state of the process that made it. */
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
