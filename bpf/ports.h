/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the programs of port groups share with the helper (ports.bpf.c; docs/ports.md). They are an object of their own,
 * with pins of their own. The helper attaches them when the first JVM joins a group, and they stay while a port of a
 * group is bound.
 *
 * Java's view of these structs is io.underpass.ffm.PortLayouts; the rules of underpass.h apply here too.
 */
#ifndef UNDERPASS_PORTS_H
#define UNDERPASS_PORTS_H

#include <linux/bpf.h>

#define UP_GROUP_NAME 16        /* bytes of a group's name, padded with zeros */
#define UP_MAX_RANGES 16        /* of ports, in one list */
#define UP_MAX_GROUP_JVMS 1024  /* members; the helper refuses one more (ERR full) */
#define UP_MAX_MAPPINGS 65536   /* virtual ports that are bound; bind() then fails with ENOBUFS */
#define UP_MAX_BOUND 131072     /* sockets that are bound to them; likewise */
#define UP_MAX_LOCAL_ADDRS 8192 /* of all namespaces with members; a missing one counts as another host's */
#define UP_MAX_IDENTITIES 1024  /* addresses of JVMs; the helper refuses one more (ERR full) */
#define UP_MAX_SHARES 4096      /* uids and groups that have sockets bound; bind() then fails with ENOBUFS */

/* What one uid, or one group, may have of these, so that there is room for others. */
#define UP_BOUND_BY_UID 4096    /* sockets, and so virtual ports; bind() then fails with ENOBUFS */
#define UP_BOUND_BY_GROUP 16384 /* likewise */

#define UP_FILTER 4096 /* entries of the filter by tgid; a power of two */
#define UP_SLOTS 8     /* different addresses (or real ports) of one virtual port that are told apart */

struct up_range {
	__u16 from;
	__u16 to; /* inclusive */
};

/* up_member.flags */
enum up_member_flag : __u32 {
	UP_M_DATAGRAMS = 1, /* it may have datagram sockets: the hooks of sendmsg and recvmsg are there for it */
	UP_M_UNTOLD = 2,    /* it has one, and its agent did not say so: the programs set this, and wake the helper */
};

/*
 * A JVM that is in a group; key: tgid in the initial pid namespace. The helper writes it, but for UP_M_UNTOLD. A
 * process that has run another program in its place, or is another user by now, is no member.
 */
struct up_member {
	__u64 start_boottime_ns; /* of the thread group's leader, to 10 ms: a reused pid is not the JVM */
	__u64 exec_id;           /* its self_exec_id, when it registered; 0: not known */
	char group[UP_GROUP_NAME];
	__u8 identity[16]; /* network order, IPv4 as v4-mapped; zero: none */
	__u32 id;          /* registration */
	__u32 uid;         /* the effective one, as the kernel has it */
	__u32 netns_inum;
	__u16 port_ranges; /* how many of `ports` are valid */
	__u16 publish_ranges;
	struct up_range ports[UP_MAX_RANGES];
	struct up_range publish[UP_MAX_RANGES];
	enum up_member_flag flags;
	__u32 pad;
};

/* An entry of up_member_filter; 0: the process is no member. */
enum up_may_be : __u8 {
	UP_MAY_BE_MEMBER = 1,
	UP_MAY_HAVE_IDENTITY = 2,
};

/*
 * The one entry of `member_filter`. It spares processes that are in no group a look-up for each call. The helper writes
 * it before a member comes into `port_members`, and after the member has gone.
 */
struct up_member_filter {
	enum up_may_be may_be[UP_FILTER]; /* by the low bits of the tgid */
};

/* The one entry of `port_filter`: how many sockets have this port, in whatever group, protocol and namespace. */
struct up_port_filter {
	__u32 real[65536];   /* as the real port of a virtual one; by port, in host order */
	__u32 wanted[65536]; /* as the virtual one */
};

/* A virtual port: key of `mappings`. */
struct up_vport {
	char group[UP_GROUP_NAME];
	__u32 netns_inum;
	__u16 port;
	__u8 protocol; /* IPPROTO_TCP or IPPROTO_UDP */
	__u8 pad;
};

/* up_slot.flags, up_bound.flags */
enum up_bound_flag : __u8 {
	UP_B_REUSEPORT = 1, /* the socket has SO_REUSEPORT */
	UP_B_IDENTITY = 2,  /* bound to the wildcard, moved to the JVM's identity */
	UP_B_PRIVATE = 4,   /* bound to localhost by a JVM with an identity: only the group may connect */
	UP_B_PUBLISHED = 8, /* the real port is the virtual one */
};

/*
 * One address of a virtual port. All sockets of a virtual port share one real port, so the kernel itself decides what
 * conflicts. Only two first binds at the same moment can end with two real ports.
 */
struct up_slot {
	__u8 addr[16]; /* as bound; zero: the wildcard */
	__u32 refs;    /* sockets; 0: the slot is free */
	__u16 real;
	enum up_bound_flag flags;
	__u8 pad;
};

/* Value of `mappings`. The program that gives back the last reference sets `dead`, and deletes the entry. */
struct up_mapping {
	struct bpf_spin_lock lock; /* guards all below */
	__u32 dead;
	struct up_slot slots[UP_SLOTS];
};

/* A real port that stands for a virtual one: key of `reals`. */
struct up_rport {
	__u32 netns_inum;
	__u16 port;
	__u8 protocol;
	__u8 pad;
};

/* up_real.flags */
enum up_real_flag : __u8 {
	UP_R_PRIVATE4 = 1, /* 127.0.0.1 is private to the group */
	UP_R_PRIVATE6 = 2, /* ::1 is */
};

/* Value of `reals`. */
struct up_real {
	char group[UP_GROUP_NAME];
	__u16 port; /* the virtual one */
	enum up_real_flag flags;
	__u8 pad;
};

/* Key of `locals`: an address of this host. The helper keeps the table. */
struct up_local {
	__u32 netns_inum;
	__u8 addr[16];
};

/* up_identity.flags */
enum up_identity_flag : __u32 {
	UP_I_ADDED = 1, /* the helper has added the address to the loopback device */
	UP_I_SOLE = 2,  /* no other process may bind it; not where the host had the address before */
};

/* Value of `identities`, the key is the address: what the helper made local, so that the next one can take it back. */
struct up_identity {
	__u32 tgid;
	__u32 uid;
	__u32 netns_inum; /* where it is one */
	enum up_identity_flag flags;
};

/* Key of `shares`: a uid, where the group is empty; else the group. */
struct up_holder {
	char group[UP_GROUP_NAME];
	__u32 uid;
	__u32 pad;
};

/* How much of the tables a holder has. The helper removes the entry when the holder has no member any more. */
struct up_share {
	__s32 bound;   /* sockets */
	__u32 refused; /* how many there was no room for */
};

/* The one entry of `ports_state`. */
struct up_ports_state {
	__u64 privates; /* sockets with UP_B_PRIVATE; 0 spares processes outside any group a look-up */
};

/* The one entry of `identity_filter`. */
struct up_identity_filter {
	__u32 any; /* 0: `identities` is empty, which spares a look-up too */
};

/*
 * Value of `bound`, the list of sockets that are bound to a virtual port. The key is the cookie of the socket, which no
 * other socket has until the host starts again. A map of its own, since only a BPF iterator visits what is kept beside
 * sockets, and hardened kernels refuse those.
 */
struct up_bound {
	struct up_vport key;
	__u8 addr[16];  /* as bound */
	__u64 since_ns; /* CLOCK_MONOTONIC, of the bind */
	__u32 tgid;     /* of the process that bound it */
	__u32 uid;
	__u16 real;
	enum up_bound_flag flags;
	__u8 pad[5];
};

/*
 * In BPF_MAP_TYPE_SK_STORAGE `port_socks`: what the application was told about a member's socket. The hooks of that
 * socket write it, which the socket's lock keeps apart. An accepted socket has none. A socket that is connected without
 * being bound has one only where its address is another than the application's: else `reals` says what it shows.
 */
struct up_portsock {
	struct up_bound row;
	__u8 peer_addr[16]; /* what the application connected to */
	__u16 peer_port;    /* likewise */
	__u16 peer_real;    /* and what that is in truth */
	__u8 peer_moved;    /* 1: it is connected to another address than peer_addr */
	__u8 slot;          /* of the mapping, in which this socket is counted */
	__u8 pending;       /* 1: between the bind hook and the post_bind hook */
	__u8 held;          /* 1: bound to a virtual port, and in `bound` */
};

#endif
