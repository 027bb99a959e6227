/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* How much of the tables one uid has, and one group: a table that is full for one is not full for others. */
#ifndef UNDERPASS_PORTS_SHARE_H
#define UNDERPASS_PORTS_SHARE_H

#include <linux/bpf.h>
#include <linux/errno.h>
#include <bpf/bpf_helpers.h>

#include "ports.h"
#include "ports_maps.bpf.h"

static __always_inline struct up_share *share_of(const struct up_holder *holder)
{
	struct up_share *share = bpf_map_lookup_elem(&shares, holder), first = {};

	if (share)
		return share;
	bpf_map_update_elem(&shares, holder, &first, BPF_NOEXIST); /* or another program has made it at this moment */
	return bpf_map_lookup_elem(&shares, holder);
}

static __always_inline void give_share(const struct up_holder *holder)
{
	struct up_share *share = bpf_map_lookup_elem(&shares, holder);

	if (share)
		__sync_fetch_and_add(&share->bound, -1);
}

static __always_inline int take_share(const struct up_holder *holder, int most)
{
	struct up_share *share = share_of(holder);

	if (!share)
		return -ENOBUFS;
	if (__sync_fetch_and_add(&share->bound, 1) < most)
		return 0;
	__sync_fetch_and_add(&share->bound, -1);
	__sync_fetch_and_add(&share->refused, 1);
	return -ENOBUFS;
}

/* One more socket that is bound; 0 or -errno. */
static __always_inline int take_shares(const struct up_bound *row)
{
	struct up_holder user = {.uid = row->uid}, group = {};
	int err = take_share(&user, UP_BOUND_BY_UID);

	if (err)
		return err;
	__builtin_memcpy(group.group, row->key.group, UP_GROUP_NAME);
	err = take_share(&group, UP_BOUND_BY_GROUP);
	if (err)
		give_share(&user);
	return err;
}

static __always_inline void give_shares(const struct up_bound *row)
{
	struct up_holder user = {.uid = row->uid}, group = {};

	__builtin_memcpy(group.group, row->key.group, UP_GROUP_NAME);
	give_share(&user);
	give_share(&group);
}

#endif
