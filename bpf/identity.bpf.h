/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Whose socket is it? The kernel says so itself: a registered process asks for a record of a socket that it holds (UP_OPT_JOIN,
 * when the socket has lasted long enough to be worth it), and gets one for each that it has when it registers (up_claim).
 */
#ifndef UNDERPASS_IDENTITY_H
#define UNDERPASS_IDENTITY_H

static __always_inline struct up_jvm *current_jvm(void)
{
	__u32 tgid = bpf_get_current_pid_tgid() >> 32;
	struct up_jvm *jvm = bpf_map_lookup_elem(&jvms, &tgid);
	struct task_struct *task;

	if (!jvm)
		return 0;
	task = (struct task_struct *)bpf_get_current_task();
	if (BPF_CORE_READ(task, group_leader, start_boottime) != jvm->start_boottime_ns)
		return 0; /* the pid was used again */
	return jvm;
}

/* The cgroup whose programs the kernel runs for a socket: where it was made, wherever its process has gone since. */
static __always_inline __u64 cgroup_of(const struct sock *sk)
{
	return BPF_CORE_READ(sk, sk_cgrp_data.cgroup, kn, id);
}

/*
 * Are this socket's options answered by our programs? Without them an enrolled socket would not: available() would miss one
 * of its queues.
 */
static __always_inline int is_hooked(const struct sock *sk)
{
	__u64 id = cgroup_of(sk);

	return bpf_map_lookup_elem(&hooked, &id) != 0;
}

/* MPTCP has another protocol number: it must never come into a sockmap. */
static __always_inline int is_tcp(__u32 family, __u32 type, __u32 protocol)
{
	return (family == AF_INET || family == AF_INET6) && type == SOCK_STREAM && protocol == IPPROTO_TCP;
}

static __always_inline void set_owner(struct up_sock *rec, __u32 id, __u32 slot, __u32 tgid)
{
	rec->owner_slot = slot;
	rec->owner_tgid = tgid;
	rec->owner_id = id;
}

/*
 * The record of a socket that the current process holds; made if it is registered and the socket has none yet. Where only a
 * cgroup above the socket's own is hooked, for another process, it is none: the agent then asks the helper to see to it.
 */
static __always_inline struct up_sock *join(struct bpf_sock *sk)
{
	const struct sock *kernels;
	struct up_jvm *jvm;
	struct up_sock *rec;

	if (!sk || !is_tcp(sk->family, sk->type, sk->protocol))
		return 0;
	jvm = current_jvm();
	if (!jvm)
		return 0;
	rec = bpf_sk_storage_get(&socks, sk, 0, 0);
	if (rec && rec->owner_id == jvm->id)
		return rec;
	/* By way of the stack: a struct bpf_sock stands for the kernel's socket, but the verifier lets nobody look behind it. */
	bpf_probe_read_kernel(&kernels, sizeof(kernels), &sk);
	if (!is_hooked(kernels))
		return 0;
	rec = bpf_sk_storage_get(&socks, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);
	if (!rec) {
		count_plain(jvm->slot, UP_REASON_NO_RECORD);
		return 0;
	}
	if (rec->owner_id != jvm->id)
		set_owner(rec, jvm->id, jvm->slot, bpf_get_current_pid_tgid() >> 32);
	return rec;
}

/*
 * Runs over the open files of a process that registers, before up_claim: writes the ids of the cgroups that have to be
 * hooked for it, its own and those that its TCP sockets were made in, once for each file.
 */
SEC("iter/task_file")
int up_cgroups(struct bpf_iter__task_file *ctx)
{
	struct up_control *ctl = control_of();
	struct task_struct *task = ctx->task;
	struct file *file = ctx->file;
	struct up_jvm *known;
	struct socket *socket;
	struct sock *sk;
	__u32 tgid;
	__u64 id;

	if (!ctl || !task || !file)
		return 0;
	tgid = task->tgid;
	if (ctl->claim_tgid && tgid != ctl->claim_tgid)
		return 0;
	known = bpf_map_lookup_elem(&jvms, &tgid);
	if (known && known->start_boottime_ns != BPF_CORE_READ(task, group_leader, start_boottime))
		return 0; /* a registration that has outlived its process is no word on another one */
	id = BPF_CORE_READ(task, cgroups, dfl_cgrp, kn, id);
	socket = bpf_sock_from_file(file);
	if (socket) {
		sk = socket->sk;
		if (sk && is_tcp(sk->__sk_common.skc_family, sk->sk_type, sk->sk_protocol))
			id = cgroup_of(sk);
	}
	bpf_seq_write(ctx->meta->seq, &id, sizeof(id)); /* no room: the kernel visits this file again with a new buffer */
	return 0;
}

/*
 * Runs over the open files of one process, when it registers: makes records for its sockets, and notes its start time
 * as the kernel has it, so that the registration names this process and no later one with the same pid.
 */
SEC("iter/task_file")
int up_claim(struct bpf_iter__task_file *ctx)
{
	struct up_control *ctl = control_of();
	struct task_struct *task = ctx->task;
	struct file *file = ctx->file;
	struct socket *socket;
	struct up_jvm jvm = {}, *known;
	struct up_sock *rec;
	struct sock *sk;
	__u32 tgid;

	if (!ctl || !task || !file)
		return 0;
	tgid = task->tgid;
	if (tgid != ctl->claim_tgid)
		return 0;
	jvm.start_boottime_ns = BPF_CORE_READ(task, group_leader, start_boottime);
	known = bpf_map_lookup_elem(&jvms, &tgid);
	if (known && known->start_boottime_ns != jvm.start_boottime_ns)
		return 0; /* as above */
	if (!known) {
		jvm.id = ctl->claim_id;
		jvm.slot = ctl->claim_slot;
		if (bpf_map_update_elem(&jvms, &tgid, &jvm, BPF_NOEXIST))
			return 0; /* full, or no memory: the helper finds no entry, and refuses */
	}
	socket = bpf_sock_from_file(file);
	if (!socket)
		return 0;
	sk = socket->sk;
	if (!sk)
		return 0;
	if (!is_tcp(sk->__sk_common.skc_family, sk->sk_type, sk->sk_protocol))
		return 0;
	if (sk->__sk_common.skc_state == BPF_TCP_LISTEN)
		return 0; /* every socket that it accepts would get a copy, however short it lives */
	rec = bpf_sk_storage_get(&socks, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);
	if (!rec) {
		count_plain(ctl->claim_slot, UP_REASON_NO_RECORD);
		return 0;
	}
	set_owner(rec, ctl->claim_id, ctl->claim_slot, tgid);
	return 0;
}

#endif
