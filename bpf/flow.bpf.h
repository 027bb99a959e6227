/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Reads of sockets and psocks, and the few steps that several programs share. */
#ifndef UNDERPASS_FLOW_H
#define UNDERPASS_FLOW_H

/*
 * Reads a member of a kernel object through its bare address, which may be stale: bad memory reads as 0. Since 6.2 the
 * kernel has a cast that turns this into a plain load, guarded by the exception table; before, it is a helper call.
 */
extern void *bpf_rdonly_cast(const void *object, __u32 btf_id) __ksym __weak;

#define READ_AT(type, address, member)                                                                                 \
	(bpf_rdonly_cast ? ((type *)bpf_rdonly_cast((void *)(address), bpf_core_type_id_kernel(type)))->member         \
			 : BPF_CORE_READ((type *)(address), member))

static __always_inline struct up_control *control_of(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&control, &zero);
}

static __always_inline struct up_totals *totals_of(__u32 slot)
{
	return bpf_map_lookup_elem(&totals, &slot);
}

static __always_inline void count_plain(__u32 slot, __u32 reason)
{
	struct up_totals *sum = totals_of(slot);

	if (sum && reason < UP_REASON_MAX)
		sum->connections_plain[reason]++;
}

static __always_inline __u64 cookie_at(__u64 sk)
{
	return READ_AT(struct sock, sk, __sk_common.skc_cookie.counter);
}

/* The psock of a socket, or NULL: sk_user_data may hold what belongs to others. */
static __always_inline struct sk_psock *psock_of(const struct sock *sk)
{
	unsigned long data = (unsigned long)BPF_CORE_READ(sk, sk_user_data);

	if (!(data & SK_USER_DATA_PSOCK))
		return 0;
	return (struct sk_psock *)(data & ~SK_USER_DATA_MASK);
}

/* Bytes in the psock queue; kernels without the FIONREAD fix do not count them, there only empty or not is known. */
static __always_inline __u32 psock_queued(const struct sock *sk)
{
	struct sk_psock *psock = psock_of(sk);

	if (!psock)
		return 0;
	if (bpf_core_field_exists(psock->msg_tot_len))
		return BPF_CORE_READ(psock, msg_tot_len);
	return BPF_CORE_READ(psock, ingress_msg.next) != &psock->ingress_msg;
}

/* Wakes the helper's sweep thread if it sleeps; at most one wake-up a sleep, so a connect loop does not pay for it. */
static __always_inline void wake_helper(void)
{
	struct up_control *ctl = control_of();
	__u32 token = 1;

	if (!ctl || !ctl->armed)
		return;
	ctl->armed = 0;
	bpf_ringbuf_output(&events, &token, sizeof(token), BPF_RB_FORCE_WAKEUP);
}

#endif
