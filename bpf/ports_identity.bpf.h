/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Whose is an address? An identity is its holder's alone: to its peers it says who it is. */
#ifndef UNDERPASS_PORTS_IDENTITY_H
#define UNDERPASS_PORTS_IDENTITY_H

/* Asked first of all, for those on a host without. */
static __always_inline int is_any_identity(void)
{
	__u32 zero = 0;
	struct up_identity_filter *filter = bpf_map_lookup_elem(&identity_filter, &zero);

	return filter && filter->any;
}

/* Is this address somebody else's identity, where the socket is? `member` is whoever asks; NULL for who is in no group. */
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
