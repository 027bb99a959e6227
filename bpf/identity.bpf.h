/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Whose socket is it? The kernel itself says so. A registered process asks for a record of a socket that it holds
 * (UP_OPT_ACCELERATE), when the socket has lasted long enough to be worth it. And it gets one for each socket that it
 * has when it registers (up_claim, adopt).
 */
#ifndef UNDERPASS_IDENTITY_H
#define UNDERPASS_IDENTITY_H

#include <linux/bpf.h>
#include <linux/errno.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "flow.bpf.h"
#include "kernel.h"
#include "maps.bpf.h"
#include "registration.bpf.h"
#include "tenants.bpf.h"
#include "underpass.h"

/*
 * Do our programs answer the options of this socket? An enrolled socket needs them: without them available() would miss
 * one of its queues.
 */
static __always_inline int is_hooked(__u64 sk)
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

/* Is its owner still registered? */
static __always_inline int is_owned(const struct up_sock *rec)
{
	return jvm_of(rec->owner_tgid, rec->owner_id) != 0;
}

static __always_inline __u64 next_id(void)
{
	__u32 zero = 0;
	__u64 *last = bpf_map_lookup_elem(&ids, &zero);

	return last ? __sync_fetch_and_add(last, 1) + 1 : 0;
}

/*
 * Makes the entry of a socket in `halves`, with what stays as it is. Returns 0, or -errno.
 * @claimed_inode: 0, or that of the open file, where the entry is a claim.
 */
static __attribute__((noinline)) int make_half(__u64 sk, __u64 id, __u32 owner_id, __u32 owner_tgid,
					       __u64 claimed_inode)
{
	struct up_jvm *jvm = jvm_of(owner_tgid, owner_id);
	struct net *net = net_of(sk);
	struct up_half half = {};
	int err;

	/* Where its registration has ended, it takes no user's share: visits have to find it, so that it leaves. */
	half.uid = jvm ? jvm->uid : UP_NOBODY;
	err = jvm ? charge_socket(half.uid) : 0;
	if (err)
		return err;
	half.sk = sk;
	half.cgroup_id = cgroup_of(sk);
	tuple_of(&half.tuple, sk);
	half.netns_inum = BPF_CORE_READ(net, ns.inum);
	half.host_owned = BPF_CORE_READ(net, user_ns, level) == 0;
	half.bound_dev_if = READ_AT(struct sock, sk, __sk_common.skc_bound_dev_if);
	half.owner_id = owner_id;
	half.owner_tgid = owner_tgid;
	half.claimed_inode = claimed_inode;
	err = (int)bpf_map_update_elem(&halves, &id, &half, BPF_NOEXIST);
	if (err)
		return_socket(half.uid);
	return err;
}

/* A Fast Open connection is accepted before its handshake is over. */
static __always_inline int is_or_becomes_established(__u8 state)
{
	return state == BPF_TCP_ESTABLISHED || state == BPF_TCP_SYN_SENT || state == BPF_TCP_SYN_RECV;
}

/*
 * Was the socket a listener before it was connected? A look-up takes a reference of such a socket that bpf_sk_release
 * does not give back (sk_is_refcounted goes by this flag, which listeners get).
 */
static __always_inline int was_listener(__u64 sk)
{
	unsigned long flags = READ_AT(struct sock, sk, __sk_common.skc_flags);

	return (flags >> bpf_core_enum_value(enum sock_flags, SOCK_RCU_FREE)) & 1;
}

static __attribute__((noinline)) void make_known(struct up_sock *rec, __u64 sk)
{
	__u64 id;
	int err;

	if (!rec)
		return;
	id = rec->id;
	if (id && rec->sk == sk && (is_enrolled(rec->state) || bpf_map_lookup_elem(&halves, &id)))
		return;
	if (was_listener(sk)) {
		if (rec->reason != UP_REASON_UNSUPPORTED)
			count_plain(rec->owner_slot, UP_REASON_UNSUPPORTED);
		rec->id = 0;
		rec->state = UP_PLAIN;
		rec->reason = UP_REASON_UNSUPPORTED;
		return;
	}
	id = next_id();
	rec->peer_id = 0;
	rec->peer_sk = 0;
	rec->sk = sk;
	rec->tx = UP_TX_TCP;
	rec->reader_passed = 0;
	rec->average_size = 0;
	rec->flags = 0;
	rec->trials = 0;
	rec->idle_visits = 0;
	rec->claimed = 0;
	rec->notified = 0;
	rec->born_ns = bpf_ktime_get_ns();
	rec->looking_since_ns = rec->born_ns;
	err = id ? make_half(sk, id, rec->owner_id, rec->owner_tgid, 0) : -ENOMEM;
	if (err) {
		__u8 reason = err == -EDQUOT ? UP_REASON_QUOTA : UP_REASON_TABLE_FULL;

		/* When its owner asks again, this is tried again; the connection counts once. */
		if (rec->id || rec->reason != reason)
			count_plain(rec->owner_slot, reason);
		rec->id = 0;
		rec->state = UP_PLAIN;
		rec->reason = reason;
		return;
	}
	rec->state = UP_NEW;
	rec->reason = UP_REASON_UNDECIDED;
	rec->id = id;
}

/*
 * Makes a connection known: it gets an id, by which programs and helper find it from now on, and an entry in `halves`.
 * A socket whose entry is gone becomes known again, unless it is enrolled: then it keeps its id.
 *
 * An option program calls this with the socket's lock, a visit without. Where both come at once, the second does
 * nothing.
 */
static __always_inline void introduce(struct up_sock *rec, __u64 sk)
{
	if (!is_or_becomes_established(READ_AT(struct sock, sk, __sk_common.skc_state)) ||
	    __sync_lock_test_and_set(&rec->introducing, 1))
		return;
	make_known(rec, sk);
	__sync_lock_test_and_set(&rec->introducing, 0);
}

/* A user without a share left gets no records either: they are kernel memory too. */
static __always_inline int may_have_record(const struct up_jvm *jvm)
{
	struct up_user *user = user_of(jvm->uid);

	if (!user)
		return 0;
	if (user->sockets < user_sockets)
		return 1;
	count_refused(user);
	return 0;
}

/*
 * The record of a socket that the current process holds, for its registration. Makes one where the socket has none yet.
 * NULL where the process is not registered, or where the cgroup of the socket is not hooked. A cgroup above may be
 * hooked, for another process; the agent then asks the helper to hook this one too (CLAIM).
 */
static __always_inline struct up_sock *record_of_caller(struct bpf_sock *sk, __u64 address)
{
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
	if (known_only || !is_hooked(address) || !may_have_record(jvm))
		return 0;
	rec = bpf_sk_storage_get(&socks, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);
	if (!rec) {
		count_plain(jvm->slot, UP_REASON_NO_RECORD);
		return 0;
	}
	if (rec->owner_id != jvm->id) {
		set_owner(rec, jvm->id, jvm->slot, bpf_get_current_pid_tgid() >> 32);
		rec->claimed = 1;
	}
	return rec;
}

/*
 * The address of the socket behind an open file; 0 if there is none. It is only to be read: kernels differ in whether
 * the verifier trusts a pointer from here so far that a helper function takes it (6.18.44 has been seen both ways).
 */
static __always_inline __u64 sock_of(struct file *file)
{
	struct socket *socket = bpf_sock_from_file(file);

	return socket ? (__u64)BPF_CORE_READ(socket, sk) : 0;
}

/* The same, if it is a TCP socket. */
static __always_inline __u64 tcp_of(struct file *file)
{
	__u64 sk = sock_of(file);

	if (!sk || !is_tcp(READ_AT(struct sock, sk, __sk_common.skc_family), READ_AT(struct sock, sk, sk_type),
			   READ_AT(struct sock, sk, sk_protocol)))
		return 0;
	return sk;
}

/*
 * Runs over the open files of a process that registers, before up_claim. Writes the place of each TCP socket: the
 * cgroup that has to be hooked, and the network namespace. For any other file it writes the cgroup of the process
 * itself.
 */
SEC("iter/task_file")
int up_places(struct bpf_iter__task_file *ctx)
{
	struct task_struct *task = ctx->task;
	struct file *file = ctx->file;
	struct up_place place = {};
	struct up_claiming *claim;
	struct up_jvm *known;
	struct net *net;
	__u32 tgid;
	__u64 sk;

	if (!task || !file)
		return 0;
	tgid = task->tgid;
	/* Before 6.1 the kernel visits the files of all processes. */
	claim = bpf_map_lookup_elem(&claims, &tgid);
	if (!claim)
		return 0;
	known = bpf_map_lookup_elem(&jvms, &tgid);
	if (known && !claim->fresh && !is_process(known, task))
		return 0; /* the registration has outlived its process, whose pid this one has */
	sk = tcp_of(file);
	place.fd = ctx->fd;
	if (sk) {
		net = net_of(sk);
		place.cgroup_id = cgroup_of(sk);
		place.netns_inum = BPF_CORE_READ(net, ns.inum);
	} else {
		place.cgroup_id = BPF_CORE_READ(task, cgroups, dfl_cgrp, kn, id);
	}
	/* Where the buffer has no room, the kernel visits this file again with a new one. */
	bpf_seq_write(ctx->meta->seq, &place, sizeof(place));
	return 0;
}

/* A listener is no connection: each socket that it accepts would get a copy of its record, however short it lives. */
static __always_inline int is_connection(__u64 sk)
{
	__u8 state = READ_AT(struct sock, sk, __sk_common.skc_state);

	return state != BPF_TCP_LISTEN && state != BPF_TCP_CLOSE;
}

/*
 * Runs over the open files of one process, when it registers. Claims its connections, which visits then make known
 * (adopt). Notes the start time of the process as the kernel has it, so that the registration names this process and no
 * later one with the same pid.
 */
SEC("iter/task_file")
int up_claim(struct bpf_iter__task_file *ctx)
{
	struct task_struct *task = ctx->task;
	struct file *file = ctx->file;
	struct up_jvm jvm = {}, *known;
	struct up_claiming *claim;
	__u64 sk, id;
	__u32 tgid;
	int err;

	if (!task || !file)
		return 0;
	tgid = task->tgid;
	claim = bpf_map_lookup_elem(&claims, &tgid);
	if (!claim)
		return 0;
	known = bpf_map_lookup_elem(&jvms, &tgid);
	if (!known || !is_process(known, task)) {
		if (!claim->fresh)
			return 0; /* as above */
		jvm.id = claim->id;
		jvm.slot = claim->slot;
		jvm.domains = claim->domains;
		note_process(&jvm, task);
		if (bpf_map_update_elem(&jvms, &tgid, &jvm, BPF_ANY))
			return 0; /* full, or no memory: the helper finds no entry, and refuses */
	}
	sk = tcp_of(file);
	if (!sk || !is_connection(sk))
		return 0;
	if (was_listener(sk)) {
		count_plain(claim->slot, UP_REASON_UNSUPPORTED);
		return 0;
	}
	id = next_id();
	err = id ? make_half(sk, id, claim->id, tgid, BPF_CORE_READ(file, f_inode, i_ino)) : -ENOMEM;
	if (err)
		count_plain(claim->slot, err == -EDQUOT ? UP_REASON_QUOTA : UP_REASON_TABLE_FULL);
	else
		notify_id(id);
	return 0;
}

#endif
