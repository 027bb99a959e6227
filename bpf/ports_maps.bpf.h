/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The maps of port groups. The helper pins all of them, together with the links, and the next helper adopts them. */
#ifndef UNDERPASS_PORTS_MAPS_H
#define UNDERPASS_PORTS_MAPS_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "ports.h"

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, UP_MAX_GROUP_JVMS);
	__type(key, __u32); /* tgid */
	__type(value, struct up_member);
} port_members SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, UP_MAX_MAPPINGS);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct up_vport);
	__type(value, struct up_mapping);
} mappings SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct up_member_filter);
} member_filter SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct up_port_filter);
} port_filter SEC(".maps");

/* A record of one byte wakes the helper, which then looks at the members. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} port_events SEC(".maps");

/* This has more room than `mappings`: at rare moments a virtual port has more than one real port. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 2 * UP_MAX_MAPPINGS);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct up_rport);
	__type(value, struct up_real);
} reals SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, UP_MAX_BOUND);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u64); /* the socket's cookie */
	__type(value, struct up_bound);
} bound SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, UP_MAX_LOCAL_ADDRS);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct up_local);
	__type(value, __u32);
} locals SEC(".maps");

/* Only the helper writes it. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, UP_MAX_IDENTITIES);
	__type(key, __u8[16]);
	__type(value, struct up_identity);
} identities SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct up_identity_filter);
} identity_filter SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, UP_MAX_SHARES);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct up_holder);
	__type(value, struct up_share);
} shares SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct up_ports_state);
} ports_state SEC(".maps");

/* Accepted sockets inherit none (no BPF_F_CLONE): to make and free a copy costs half a microsecond a connection. */
struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct up_portsock);
} port_socks SEC(".maps");

#endif
