/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Which process is it? The thread group with this id that began at this time, runs this program and belongs to this
 * user. The id alone does not do: the kernel uses it again, and an exec puts another program, perhaps with other
 * rights, in the same process. Both objects include this.
 */
#ifndef UNDERPASS_PROCESS_H
#define UNDERPASS_PROCESS_H

#include <linux/bpf.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "kernel.h"

/*
 * Is it the same start? Compared in ticks of 10 ms (USER_HZ), as /proc has it: where the helper may not look at the
 * files of a process, it knows no more. A pid is not used again so soon.
 */
#define TICK_NS 10000000

static __always_inline int is_same_start(__u64 one, __u64 two)
{
	return one / TICK_NS == two / TICK_NS;
}

/*
 * Is it the process that began at this time, and still the same program? Each exec counts self_exec_id up, and the
 * thread that does it becomes the leader. An exec_id of 0 is not known. The verifier has to trust the task.
 */
static __always_inline int is_same_program(struct task_struct *task, __u64 start_boottime_ns, __u64 exec_id)
{
	struct task_struct *leader = task->group_leader;

	if (!is_same_start(leader->start_boottime, start_boottime_ns))
		return 0;
	return !exec_id || exec_id == leader->self_exec_id;
}

/* Effective, in the initial user namespace. */
static __always_inline __u32 uid_of(struct task_struct *task)
{
	return BPF_CORE_READ(task, real_cred, euid.val);
}

/* The pid namespace of the process itself; its children may be in another one. */
static __always_inline __u32 pidns_of(struct task_struct *task)
{
	struct pid *pid = BPF_CORE_READ(task, thread_pid);
	__u64 at = (__u64)pid + bpf_core_field_offset(struct pid, numbers) +
		   (__u64)BPF_CORE_READ(pid, level) * bpf_core_type_size(struct upid);

	return BPF_CORE_READ((struct upid *)at, ns, ns.inum);
}

#endif
