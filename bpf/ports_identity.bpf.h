/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Whose is an address? An identity belongs to its holder alone: by it the peers tell which JVM it is. */
#ifndef UNDERPASS_PORTS_IDENTITY_H
#define UNDERPASS_PORTS_IDENTITY_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "ports.h"
#include "ports_maps.bpf.h"
#include "ports_member.bpf.h"

/* Is there any identity? The callers ask this first, so that a host without pays next to nothing. */
static __always_inline int is_any_identity(void)
{
	__u32 zero = 0;
	struct up_identity_filter *filter = bpf_map_lookup_elem(&identity_filter, &zero);

	return filter && filter->any;
}

/* Is this address another JVM's identity, in the namespace of the socket? `member` asks; NULL: no member does. */
static __always_inline int is_anothers(const struct up_member *member, struct bpf_sock *sk, const struct end *end)
{
	struct up_identity *identity;

	if (!is_any_identity())
		return 0;
	identity = bpf_map_lookup_elem(&identities, end->addr.bytes);
	if (!identity || !(identity->flags & UP_I_SOLE) || identity->netns_inum != netns_of(sk))
		return 0;
	return !member || !same_addr(member->identity, end->addr.bytes);
}

#endif
