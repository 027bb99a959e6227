/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Who is a process? The thread group of this id that began at this time, runs this program and is of this user: a pid is used again,
 * and an exec puts another program, with other rights perhaps, in the same process. Of both objects.
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

/*
 * Is it the process that began at this time, and the program that it ran then? Each exec counts self_exec_id up, and whichever thread
 * does it becomes the leader. 0 stands for one that nobody could ask for. The task is one that the verifier trusts.
 */
static __always_inline int is_same_program(struct task_struct *task, __u64 start_boottime_ns, __u64 exec_id)
{
	struct task_struct *leader = task->group_leader;

	return is_same_start(leader->start_boottime, start_boottime_ns) && (!exec_id || exec_id == leader->self_exec_id);
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

#endif
