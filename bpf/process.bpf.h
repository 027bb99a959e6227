/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Who is a process? The thread group of this id that began at this time, runs this program image and is of this user: a pid is used
 * again, and an exec puts another program, with other rights perhaps, in the same process.
 */
#ifndef UNDERPASS_PROCESS_H
#define UNDERPASS_PROCESS_H

/*
 * The same start? In ticks of 10 ms (USER_HZ), as /proc has it: where the helper may not look at a process's files, that is all it
 * knows. A pid is not used again so soon.
 */
#define TICK_NS 10000000

static __always_inline int is_same_start(__u64 one, __u64 two)
{
	return one / TICK_NS == two / TICK_NS;
}

/* Each exec of the process counts it up; whichever thread does it becomes the leader. */
static __always_inline __u64 exec_id_of(struct task_struct *task)
{
	return BPF_CORE_READ(task, group_leader, self_exec_id);
}

/* In the initial user namespace. */
static __always_inline __u32 uid_of(struct task_struct *task)
{
	return BPF_CORE_READ(task, real_cred, euid.val);
}

/* The pid namespace that it is in itself; its children's may be another one. */
static __always_inline __u32 pidns_of(struct task_struct *task)
{
	struct pid *pid = BPF_CORE_READ(task, thread_pid);
	__u64 at = (__u64)pid + bpf_core_field_offset(struct pid, numbers) +
		   (__u64)BPF_CORE_READ(pid, level) * bpf_core_type_size(struct upid);

	return BPF_CORE_READ((struct upid *)at, ns, ns.inum);
}

/*
 * Does it run with rights that its user does not have, as a setuid program, or one with file capabilities, does? Whoever started such
 * a program has no word in what it does. Rights that a process was given by whoever started it are ambient.
 */
static __always_inline int is_privileged(struct task_struct *task)
{
	const struct cred *cred = BPF_CORE_READ(task, real_cred);
	__u64 permitted = 0, ambient = 0;
	__u32 uid = BPF_CORE_READ(cred, uid.val);

	if (BPF_CORE_READ(cred, euid.val) != uid || BPF_CORE_READ(cred, suid.val) != uid)
		return 1;
	bpf_core_read(&permitted, sizeof(permitted), &cred->cap_permitted);
	bpf_core_read(&ambient, sizeof(ambient), &cred->cap_ambient);
	/* Root, also of a user namespace, has its rights by itself. */
	return uid && BPF_CORE_READ(cred, user_ns, level) == 0 && permitted & ~ambient;
}

/* What was noted of a registered process, when it registered. 0 stands for an exec id that nobody could ask for. */
static __always_inline int is_process(const struct up_jvm *jvm, struct task_struct *task)
{
	return is_same_start(jvm->start_boottime_ns, BPF_CORE_READ(task, group_leader, start_boottime)) &&
	       (!jvm->exec_id || jvm->exec_id == exec_id_of(task)) && jvm->uid == uid_of(task);
}

static __always_inline void note_process(struct up_jvm *jvm, struct task_struct *task)
{
	jvm->start_boottime_ns = BPF_CORE_READ(task, group_leader, start_boottime);
	jvm->exec_id = exec_id_of(task);
	jvm->uid = uid_of(task);
	jvm->pidns_inum = pidns_of(task);
	jvm->userns_inum = BPF_CORE_READ(task, real_cred, user_ns, ns.inum);
}

/* The registration of the current process; NULL if it has none. */
static __always_inline struct up_jvm *current_jvm(void)
{
	__u32 tgid = bpf_get_current_pid_tgid() >> 32;
	struct up_jvm *jvm = bpf_map_lookup_elem(&jvms, &tgid);

	return jvm && is_process(jvm, (struct task_struct *)bpf_get_current_task()) ? jvm : 0;
}

/* The registration with this id, if there is one. */
static __always_inline struct up_jvm *jvm_of(__u32 tgid, __u32 id)
{
	struct up_jvm *jvm = id ? bpf_map_lookup_elem(&jvms, &tgid) : 0;

	return jvm && (jvm->id == id || jvm->former == id) ? jvm : 0;
}

#endif
