/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What tenants may do to each other.
 *
 * Trust: a redirect ties two processes closer than TCP does, since the sender waits for the lock of the receiver's
 * socket. So it connects only processes that trust each other: those of one user, in the same pid and user namespaces,
 * and those that a line of the policy brings together.
 *
 * Shares: each user has a part of the tables, well below the whole.
 */
#ifndef UNDERPASS_TENANTS_H
#define UNDERPASS_TENANTS_H

#include <linux/bpf.h>
#include <linux/errno.h>
#include <bpf/bpf_helpers.h>

#include "flow.bpf.h"
#include "maps.bpf.h"
#include "registration.bpf.h"
#include "underpass.h"

/* Messages that may be queued for one socket; fewer would be no use. */
#define LEAST_QUEUED 16

/* No user's uid. */
#define UP_NOBODY (__u32)-1

enum up_trust {
	UP_STRANGER = 0, /* one of them is not registered */
	UP_UNTRUSTED = 1,
	UP_TRUSTED = 2,
};

static __attribute__((noinline)) int trust_between(__u32 tgid, __u32 id, __u32 other_tgid, __u32 other_id)
{
	struct up_jvm *one = jvm_of(tgid, id), *other = jvm_of(other_tgid, other_id);

	if (!one || !other)
		return UP_STRANGER;
	if (one->domains & other->domains)
		return UP_TRUSTED;
	if (one->uid != other->uid || one->pidns_inum != other->pidns_inum || one->userns_inum != other->userns_inum)
		return UP_UNTRUSTED;
	return UP_TRUSTED;
}

static __always_inline int trust_in(const struct up_sock *rec, const struct up_half *half)
{
	return trust_between(rec->owner_tgid, rec->owner_id, half->owner_tgid, half->owner_id);
}

static __always_inline struct up_user *user_of(__u32 uid)
{
	return bpf_map_lookup_elem(&users, &uid);
}

/* Sockets that were closed, and not visited since, still have their share: the helper is to look for them. */
static __always_inline void look_for_closed(void)
{
	struct up_control *ctl = control_of();

	if (!ctl)
		return;
	ctl->crowded = 1;
	wake_helper();
}

static __always_inline void count_refused(struct up_user *user)
{
	__sync_fetch_and_add(&user->refused, 1);
	look_for_closed();
}

/* Takes a place among the known sockets. Returns 0, or -EDQUOT. */
static __always_inline int charge_socket(__u32 uid)
{
	struct up_user *user = user_of(uid);

	if (!user)
		return -EDQUOT;
	if (__sync_fetch_and_add(&user->sockets, 1) < user_sockets)
		return 0;
	__sync_fetch_and_add(&user->sockets, -1);
	count_refused(user);
	return -EDQUOT;
}

static __always_inline void return_socket(__u32 uid)
{
	struct up_user *user = user_of(uid);

	if (user)
		__sync_fetch_and_add(&user->sockets, -1);
}

/* Whether one more of its connections could be enrolled, with both ends. */
static __always_inline int has_share(__u32 uid)
{
	struct up_user *user = user_of(uid);

	return user && user->enrolled + 2 <= user_enrolled && user->messages + 2 * LEAST_QUEUED <= user_messages;
}

/*
 * How many messages may be queued for the next socket of a user. Each is kernel memory that no cgroup is charged for.
 * The first sockets have as many as they gain by; the more sockets there are, the fewer each new one has. All together
 * stay below the share of the user.
 */
static __always_inline __u32 next_share(const struct up_user *user)
{
	__u64 most = user_messages / 4 / (user->enrolled + 1);

	return most >= most_queued ? most_queued : most < LEAST_QUEUED ? LEAST_QUEUED : most;
}

/* Enrolment takes a share, which stands in the half until it is given back (publish). Only visits call these. */
static __attribute__((noinline)) int charge_enrolment(struct up_half *half)
{
	struct up_user *user = half ? user_of(half->uid) : 0;
	__u32 messages;

	if (!user)
		return -EDQUOT;
	if (half->messages_share)
		return 0;
	messages = next_share(user);
	if (user->enrolled >= user_enrolled || user->messages + messages > user_messages) {
		count_refused(user);
		return -EDQUOT;
	}
	user->enrolled++;
	user->messages += messages;
	half->messages_share = messages;
	return 0;
}

static __attribute__((noinline)) void return_enrolment(struct up_half *half)
{
	struct up_user *user;

	if (!half)
		return;
	user = user_of(half->uid);
	if (user && half->messages_share) {
		user->enrolled--;
		user->messages -= half->messages_share;
	}
	half->messages_share = 0;
}

#endif
