/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Which real port stands for which virtual one. An entry lives as long as a socket is bound to it: post_bind takes a
 * reference, and sock_release gives it back. The kernel calls that whatever ends the last descriptor.
 */
#ifndef UNDERPASS_PORTS_TABLE_H
#define UNDERPASS_PORTS_TABLE_H

#include <linux/bpf.h>
#include <linux/errno.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "ports.h"
#include "ports_maps.bpf.h"
#include "ports_share.bpf.h"

static __always_inline void count_private(int by)
{
	__u32 zero = 0;
	struct up_ports_state *state = bpf_map_lookup_elem(&ports_state, &zero);

	if (state)
		__sync_fetch_and_add(&state->privates, by);
}

static __always_inline struct up_port_filter *the_port_filter(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&port_filter, &zero);
}

/* The verifier of 6.1 does not know that a 16-bit byte swap leaves 16 bits, and clang drops a mask that does. */
static __always_inline __u32 index_of(__u16 port)
{
	__u32 index = port;

	asm volatile("" : "+r"(index));
	return index & 0xffff;
}

static __always_inline void count_ports(const struct up_bound *row, int by)
{
	struct up_port_filter *filter = the_port_filter();

	if (!filter)
		return;
	__sync_fetch_and_add(&filter->real[index_of(row->real)], by);
	__sync_fetch_and_add(&filter->wanted[index_of(row->key.port)], by);
}

/* Is it a real port that stands for a virtual one? The callers ask this first, since nearly no port is. */
static __always_inline int stands_for_one(__u16 port)
{
	struct up_port_filter *filter = the_port_filter();

	return filter && filter->real[index_of(port)];
}

/* Is a socket bound to it as a virtual port? Likewise. */
static __always_inline int is_virtual(__u16 port)
{
	struct up_port_filter *filter = the_port_filter();

	return filter && filter->wanted[index_of(port)];
}

static __always_inline void fill_slot(struct up_slot *slot, const struct up_bound *row)
{
	*(__u64 *)slot->addr = *(const __u64 *)row->addr;
	*(__u64 *)(slot->addr + 8) = *(const __u64 *)(row->addr + 8);
	slot->real = row->real;
	slot->flags = row->flags;
	slot->refs = 1;
}

/*
 * The bit, if the difference is 0. Scans of the slots collect bits, by arithmetic that the compiler must not turn into
 * branches: the verifier follows each way through eight slots, and with a branch or two in each these are too many
 * ways.
 */
static __always_inline __u32 bit_if(__u64 difference, int bit)
{
	__u64 x = difference, negative = -x;

	barrier_var(negative);
	x = (x | negative) >> 63; /* 0 for 0, else 1 */
	barrier_var(x);
	return (__u32)(x ^ 1) << bit;
}

static __always_inline __u64 unlike(const __u8 a[16], const __u8 b[16])
{
	return (*(const __u64 *)a ^ *(const __u64 *)b) | (*(const __u64 *)(a + 8) ^ *(const __u64 *)(b + 8));
}

static __always_inline __u64 any_of(const __u8 addr[16])
{
	return *(const __u64 *)addr | *(const __u64 *)(addr + 8);
}

/* The lowest slot in a set; -1 if it is empty. */
static __always_inline int first_of(__u32 set)
{
	for (int i = 0; i < UP_SLOTS; i++)
		if (set >> i & 1)
			return i;
	return -1;
}

/* Counts the socket in a slot of its mapping; 0 or -errno. */
static __always_inline int take_slot(struct up_mapping *mapping, struct up_portsock *sock)
{
	const struct up_bound *row = &sock->row;
	__u32 empty = 0, sharers = 0, same = 0, clashes = 0;
	int err = -EADDRINUSE, at;

	bpf_spin_lock(&mapping->lock);
	for (int i = 0; i < UP_SLOTS; i++) {
		struct up_slot *slot = &mapping->slots[i];
		__u32 equal = bit_if(unlike(slot->addr, row->addr), i);
		__u32 wild = bit_if(any_of(slot->addr), i) | bit_if(any_of(row->addr), i);
		__u32 apart = bit_if((slot->flags & row->flags & UP_B_REUSEPORT) ^ UP_B_REUSEPORT, i);
		__u32 shares = bit_if(slot->real ^ row->real, i);
		__u32 vacant = bit_if(slot->refs, i);

		empty |= vacant;
		sharers |= shares & ~vacant;
		same |= shares & equal & ~vacant;
		clashes |= (equal | wild) & ~apart & ~shares & ~vacant;
	}
	/*
	 * Clashes: two first binds of one virtual port at the same moment got a real port each. Without a group the
	 * second would have failed if their addresses overlap and they do not both have SO_REUSEPORT; so it fails here.
	 * Dead: the last socket is being closed at this moment; without a group it would still hold the port.
	 */
	if (mapping->dead || clashes)
		goto out;
	at = first_of(same);
	if (at < 0)
		at = first_of(empty);
	if (at < 0)
		at = first_of(sharers); /* the real port is right; the address finds no slot of its own */
	if (at < 0)
		goto out;
	at &= UP_SLOTS - 1;
	if (mapping->slots[at].refs)
		mapping->slots[at].refs++;
	else
		fill_slot(&mapping->slots[at], row);
	sock->slot = at;
	err = 0;
out:
	bpf_spin_unlock(&mapping->lock);
	return err;
}

static __always_inline void rport_of(struct up_rport *key, __u32 netns, __u8 protocol, __u16 port)
{
	key->netns_inum = netns;
	key->port = port;
	key->protocol = protocol;
	key->pad = 0;
}

/* Notes which virtual port the real one stands for. */
static __always_inline int note_real(const struct up_bound *row)
{
	struct up_real value = {.port = row->key.port}, *old;
	struct up_rport key;

	rport_of(&key, row->key.netns_inum, row->key.protocol, row->real);
	__builtin_memcpy(value.group, row->key.group, UP_GROUP_NAME);
	if (row->flags & UP_B_PRIVATE)
		value.flags = *(const __u64 *)(row->addr + 8) == bpf_cpu_to_be64(1) ? UP_R_PRIVATE6 : UP_R_PRIVATE4;
	old = bpf_map_lookup_elem(&reals, &key);
	if (old)
		value.flags |= old->flags;
	return bpf_map_update_elem(&reals, &key, &value, BPF_ANY);
}

static __always_inline void forget_real(const struct up_bound *row)
{
	struct up_rport key;

	rport_of(&key, row->key.netns_inum, row->key.protocol, row->real);
	bpf_map_delete_elem(&reals, &key);
}

/* Counts a socket that has been bound in its mapping, the first one in a new mapping; 0 or -errno. */
static __always_inline int take_reference(struct up_portsock *sock)
{
	struct up_mapping *mapping = bpf_map_lookup_elem(&mappings, &sock->row.key);
	struct up_mapping first = {};
	int err;

	if (mapping)
		return take_slot(mapping, sock);
	fill_slot(&first.slots[0], &sock->row);
	sock->slot = 0;
	err = bpf_map_update_elem(&mappings, &sock->row.key, &first, BPF_NOEXIST);
	if (err != -EEXIST)
		return err ? -ENOBUFS : 0;
	mapping = bpf_map_lookup_elem(&mappings, &sock->row.key);
	return mapping ? take_slot(mapping, sock) : -EADDRINUSE;
}

static __always_inline void give_back(const struct up_portsock *sock)
{
	struct up_mapping *mapping = bpf_map_lookup_elem(&mappings, &sock->row.key);
	__u32 left = 0, left_of_real = 0;

	if (!mapping)
		return;
	bpf_spin_lock(&mapping->lock);
	mapping->slots[sock->slot & (UP_SLOTS - 1)].refs--;
	for (int i = 0; i < UP_SLOTS; i++) {
		__u32 held = ~bit_if(mapping->slots[i].refs, i) & (1U << i);

		left |= held;
		left_of_real |= held & bit_if(mapping->slots[i].real ^ sock->row.real, i);
	}
	mapping->dead = !left;
	bpf_spin_unlock(&mapping->lock);
	if (!left_of_real)
		forget_real(&sock->row);
	if (!left)
		bpf_map_delete_elem(&mappings, &sock->row.key);
}

/*
 * A socket has been bound: it takes its reference and comes into the list; 0 or -errno. The list is first here and last
 * in release(), so a socket that is held is listed. And of the two tables that may be full, the list is easily undone.
 */
static __always_inline int hold(struct up_portsock *sock, __u64 cookie)
{
	int err;

	err = take_shares(&sock->row);
	if (err)
		return err;
	err = bpf_map_update_elem(&bound, &cookie, &sock->row, BPF_ANY) ? -ENOBUFS : 0;
	if (err)
		goto full;
	err = take_reference(sock);
	if (err)
		goto unlist;
	sock->held = 1;
	count_ports(&sock->row, 1);
	if (sock->row.flags & UP_B_PRIVATE)
		count_private(1);
	/* This fails for want of memory only: what is received then shows the real port. */
	note_real(&sock->row);
	return 0;
unlist:
	bpf_map_delete_elem(&bound, &cookie);
full:
	give_shares(&sock->row);
	return err;
}

/* The reverse of hold(). */
static __always_inline void release(struct up_portsock *sock, __u64 cookie)
{
	sock->held = 0;
	count_ports(&sock->row, -1);
	if (sock->row.flags & UP_B_PRIVATE)
		count_private(-1);
	give_back(sock);
	bpf_map_delete_elem(&bound, &cookie);
	give_shares(&sock->row);
}

#endif
