/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Which process does a registration belong to, and which registration has a process? */
#ifndef UNDERPASS_REGISTRATION_H
#define UNDERPASS_REGISTRATION_H

#include <linux/bpf.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "kernel.h"
#include "maps.bpf.h"
#include "process.bpf.h"
#include "underpass.h"

/* Is the task still the process that registered? */
static __always_inline int is_process(const struct up_jvm *jvm, struct task_struct *task)
{
	return is_same_program(task, jvm->start_boottime_ns, jvm->exec_id) && jvm->uid == uid_of(task);
}

static __always_inline void note_process(struct up_jvm *jvm, struct task_struct *task)
{
	jvm->start_boottime_ns = task->group_leader->start_boottime;
	jvm->exec_id = task->group_leader->self_exec_id;
	jvm->uid = uid_of(task);
	jvm->pidns_inum = pidns_of(task);
	jvm->userns_inum = BPF_CORE_READ(task, real_cred, user_ns, ns.inum);
}

/* The registration of the current process; NULL if it has none. */
static __always_inline struct up_jvm *current_jvm(void)
{
	__u32 tgid = bpf_get_current_pid_tgid() >> 32;
	struct up_jvm *jvm = bpf_map_lookup_elem(&jvms, &tgid);

	return jvm && is_process(jvm, bpf_get_current_task_btf()) ? jvm : 0;
}

/* The registration with this id, now or before the helper was restarted; NULL if there is none. */
static __always_inline struct up_jvm *jvm_of(__u32 tgid, __u32 id)
{
	struct up_jvm *jvm = id ? bpf_map_lookup_elem(&jvms, &tgid) : 0;

	return jvm && (jvm->id == id || jvm->former == id) ? jvm : 0;
}

#endif
