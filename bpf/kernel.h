/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The kernel types that the programs read, and of them only the members read: CO-RE finds the true offsets when the
 * object is loaded. Kept by hand in place of a generated header of three megabytes.
 */
#ifndef UNDERPASS_KERNEL_H
#define UNDERPASS_KERNEL_H

#include <linux/types.h>

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

typedef struct {
	int counter;
} atomic_t;

struct refcount_struct {
	atomic_t refs;
};

struct ns_common {
	unsigned int inum;
};

struct user_namespace {
	int level; /* 0: the initial one */
	struct ns_common ns;
};

struct net {
	struct user_namespace *user_ns;
	struct ns_common ns;
};

typedef struct {
	struct net *net;
} possible_net_t;

/* Pages, of a memory cgroup and of all above it. */
struct page_counter {
	struct {
		__s64 counter;
	} usage;
	unsigned long max;
	struct page_counter *parent;
};

struct mem_cgroup {
	struct page_counter memory;
	struct page_counter tcpmem; /* cgroup v1: memory.kmem.tcp */
	_Bool tcpmem_active;
};

struct proto {
	unsigned long *memory_pressure;
};

struct tcp_ulp_ops;

struct in6_addr {
	union {
		__u8 u6_addr8[16];
	} in6_u;
};

enum sock_flags {
	SOCK_DONE = 1,
	SOCK_URGINLINE = 2,
	SOCK_RCU_FREE = 64, /* asked by CO-RE: it differs */
};

typedef struct {
	unsigned int val;
} kuid_t;

/* A process that runs another program, or changes its user, gets a new object. */
struct cred {
	kuid_t euid;
	struct user_namespace *user_ns;
};

struct hlist_node {
	struct hlist_node *next, **pprev;
};

struct hlist_head {
	struct hlist_node *first;
};

enum pid_type {
	PIDTYPE_PID,
	PIDTYPE_TGID, /* asked by CO-RE, as the number of them */
	PIDTYPE_MAX = 4,
};

struct sock_common {
	__be32 skc_daddr;
	__be32 skc_rcv_saddr;
	__be16 skc_dport;
	__u16 skc_num;
	unsigned short skc_family;
	volatile unsigned char skc_state;
	possible_net_t skc_net;
	struct in6_addr skc_v6_daddr;
	struct in6_addr skc_v6_rcv_saddr;
	unsigned long skc_flags;
	struct refcount_struct skc_refcnt;
	struct proto *skc_prot;
	int skc_incoming_cpu;
	int skc_bound_dev_if;
};

struct timer_list {
	struct hlist_node entry;
};

struct hrtimer {
	__u8 state; /* not 0: queued */
};

struct qspinlock {
	atomic_t val;
};

typedef struct qspinlock arch_spinlock_t;

typedef struct raw_spinlock {
	arch_spinlock_t raw_lock;
} raw_spinlock_t;

typedef struct spinlock {
	struct raw_spinlock rlock; /* not with PREEMPT_RT */
} spinlock_t;

typedef struct {
	spinlock_t slock;
	int owned;
} socket_lock_t;

struct list_head {
	struct list_head *next, *prev;
};

struct wait_queue_head {
	struct list_head head;
};

typedef struct wait_queue_head wait_queue_head_t;

struct socket_wq {
	wait_queue_head_t wait;
};

struct kernfs_node {
	__u64 id;
};

struct cgroup {
	struct kernfs_node *kn;
};

struct css_set {
	struct cgroup *dfl_cgrp;
};

struct sock_cgroup_data {
	struct cgroup *cgroup;
};

struct sock {
	struct sock_common __sk_common;
	socket_lock_t sk_lock;
	struct socket_wq *sk_wq;
	struct timer_list sk_timer;
	struct {
		atomic_t rmem_alloc;
	} sk_backlog;
	int sk_rcvbuf;
	int sk_rcvlowat;
	int sk_forward_alloc;
	struct mem_cgroup *sk_memcg;
	struct sock_cgroup_data sk_cgrp_data;
	__u16 sk_protocol;
	__u16 sk_type;
	__u8 sk_shutdown;
	struct socket *sk_socket;
	void *sk_user_data;
	struct pid *sk_peer_pid; /* of AF_UNIX: the process that connected, */
	const struct cred *sk_peer_cred; /* and its credentials then */
};

struct inet_sock {
	struct sock sk;
};

struct inet_connection_sock {
	struct inet_sock icsk_inet;
	struct timer_list icsk_retransmit_timer;
	struct timer_list icsk_delack_timer;
	const struct tcp_ulp_ops *icsk_ulp_ops;
	struct timer_list icsk_keepalive_timer; /* where it is not sk_timer (newer kernels) */
	__u8 icsk_retransmits;
	__u8 icsk_probes_out;
};

struct tcp_sock {
	struct inet_connection_sock inet_conn;
	__u32 rcv_nxt;
	__u32 rcv_wup;
	__u32 rcv_wnd;
	__u32 window_clamp;
	__u8 scaling_ratio; /* 6.6 and later */
	__u32 max_window;
	__u32 mss_cache;
	__u32 copied_seq;
	__u32 write_seq;
	__u32 snd_una;
	__u64 bytes_acked;
	__u64 bytes_received;
	__u32 segs_in;
	__u32 segs_out;
	__u32 data_segs_in;
	__u32 data_segs_out;
	struct hrtimer pacing_timer;
	struct hrtimer compressed_ack_timer;
	__u32 urg_seq;
	__u16 urg_data;
};

struct sk_msg_sg {
	__u32 size; /* bytes that have not been read */
};

struct sk_msg {
	struct sk_msg_sg sg;
	struct sock *sk_redir;
	struct list_head list;
};

/* msg_tot_len came with the FIONREAD fix (929e30f93125 and its stable backports). */
struct sk_psock {
	__u32 msg_tot_len;
	struct list_head ingress_msg;
	struct list_head link; /* one entry for each sockmap slot that the socket is in */
};

struct inode {
	unsigned long i_ino;
};

struct file {
	struct inode *f_inode;
};

struct socket {
	struct file *file;
	struct sock *sk;
};

struct pid_namespace {
	struct ns_common ns;
};

struct upid {
	struct pid_namespace *ns;
};

struct pid {
	unsigned int level;
	struct hlist_head tasks[PIDTYPE_MAX];
	struct upid numbers[1]; /* level + 1 of them */
};

typedef struct {
	__s64 counter;
} atomic64_t;

struct mutex {
	atomic64_t owner; /* not with PREEMPT_RT; 0: not locked */
};

struct signal_struct {
	struct mutex cred_guard_mutex; /* held during an exec, until the process has its new credentials */
};

struct task_struct {
	int tgid;
	struct task_struct *group_leader;
	__u64 start_boottime;
	__u64 self_exec_id; /* grows with each exec */
	const struct cred *real_cred;
	struct signal_struct *signal;
	struct hlist_node pid_links[PIDTYPE_MAX];
	struct pid *thread_pid;
	struct css_set *cgroups;
};

struct seq_file;

struct bpf_iter_meta {
	struct seq_file *seq;
	__u64 session_id;
	__u64 seq_num;
};

struct bpf_iter__task_file {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
	__u32 fd;
	struct file *file;
};

#pragma clang attribute pop

/* From include/linux/socket.h and include/net/sock.h, which a BPF program cannot include. */
#define AF_UNIX 1
#define AF_INET 2
#define AF_INET6 10
#define SOCK_STREAM 1
#define IPPROTO_TCP 6
#define IPPROTO_UDP 17
#define SOL_SOCKET 1
#define SO_REUSEADDR 2
#define SO_REUSEPORT 15
#define RCV_SHUTDOWN 1
#define SEND_SHUTDOWN 2
#define SO_RCVLOWAT 18
#define SOL_TCP 6
#define TCP_WINDOW_CLAMP 10
#define TCP_REPAIR 19
#define PAGE_SIZE 4096

/* Low bits of sk_user_data: what the pointer is. */
#define SK_USER_DATA_PSOCK 4UL
#define SK_USER_DATA_MASK 7UL

#endif
