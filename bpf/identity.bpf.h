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

/* The record of a socket that the current process holds; made if it is registered and the socket has none yet. */
static __always_inline struct up_sock *join(struct bpf_sock *sk)
{
	struct up_jvm *jvm;
	struct up_sock *rec;

	if (!sk || !is_tcp(sk->family, sk->type, sk->protocol))
		return 0;
	jvm = current_jvm();
	if (!jvm)
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
	struct up_jvm jvm = {};
	struct up_sock *rec;
	struct sock *sk;
	__u32 tgid;

	if (!ctl || !task || !file)
		return 0;
	tgid = task->tgid;
	if (tgid != ctl->claim_tgid)
		return 0;
	if (!bpf_map_lookup_elem(&jvms, &tgid)) {
		jvm.start_boottime_ns = BPF_CORE_READ(task, group_leader, start_boottime);
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
