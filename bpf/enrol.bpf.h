/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Enrolment: a socket becomes a member of both sockhashes. A visit does it, without the socket's owner lock. So a send,
 * a receive or a close may be running at this very moment, with the functions of plain TCP.
 *
 * - A sender that runs goes on by TCP; the verdict waits until the other end has read that.
 * - A reader that runs, or sleeps, does not look at the psock queue before it returns. That is why the visit takes
 *   `copied_at_enrolment` after the insertion: a read that moves copied_seq beyond it has returned, or is about to, and
 *   the next read looks. The insertion takes the spin lock that release_sock() takes, so it comes after the end of an
 *   earlier read.
 * - A close that runs finds the psock at its end (sock_map_destroy), as a later close does.
 */
#ifndef UNDERPASS_ENROL_H
#define UNDERPASS_ENROL_H

#include <linux/bpf.h>
#include <linux/errno.h>
#include <bpf/bpf_helpers.h>

#include "flow.bpf.h"
#include "identity.bpf.h"
#include "kernel.h"
#include "maps.bpf.h"
#include "pairing.bpf.h"
#include "tenants.bpf.h"
#include "underpass.h"

static __always_inline enum up_reason reason_of(int err)
{
	switch (err) {
	case -E2BIG:
	case -ENOMEM:
		return UP_REASON_TABLE_FULL;
	case -EBUSY:
		return UP_REASON_SOCKMAP_BUSY;
	case -EINVAL:
		return UP_REASON_ULP;
	case -EOPNOTSUPP:
		return UP_REASON_UNSUPPORTED;
	default:
		return UP_REASON_FAILED;
	}
}

/*
 * EBUSY: another sockmap owns the socket. (The psock of our own earlier enrolment does not come here: consider() waits
 * for it.) The visits try again for a second, half of what the other end waits (no_peer_ns): the owner may be another
 * helper, which is just taking the socket off.
 */
static __always_inline int may_try_again(struct up_sock *rec, __u64 now)
{
	if (!rec->busy_since_ns)
		rec->busy_since_ns = now;
	return now - rec->busy_since_ns < no_peer_ns / 2;
}

static __always_inline void leave_maps(struct up_sock *rec)
{
	__u64 key = rec->id;

	bpf_map_delete_elem(&senders, &key);
	bpf_map_delete_elem(&members, &key);
}

/* Takes a share for both ends together: one alone would be of no use. Returns 0, or -errno. */
static __always_inline int charge_pair(struct up_half *half, struct up_half *other)
{
	int had, err;

	if (!half)
		return -ENOMEM;
	had = half->messages_share != 0;
	err = charge_enrolment(half);
	if (err || !other) /* hand_over notices an end that has gone */
		return err;
	err = charge_enrolment(other);
	if (err && !had)
		return_enrolment(half);
	return err;
}

/*
 * Messages that could not be redirected: all that passed but those that keep the flow alive. The verdict counts both
 * meanwhile, so the difference may be off by one.
 */
static __always_inline __s64 failed_of(const struct up_sock *rec)
{
	return rec->tx_counters.passed_messages - rec->kept_alive;
}

/* The next judgement is about what the flow does from here on. */
static __always_inline void begin_judging(struct up_sock *rec, __u64 sent)
{
	rec->judged_messages = sent;
	rec->judged_failed = failed_of(rec);
	rec->judged_contended = rec->contended;
	rec->judged_bytes = bytes_of(rec);
}

/* WANTED: into both sockhashes. Stays WANTED where that may yet work. The caller holds a reference of the socket. */
static __always_inline void enrol(struct up_sock *rec, struct tcp_sock *tp, struct up_visit *out, __u64 now)
{
	struct sock *sk = &tp->inet_conn.icsk_inet.sk;
	struct up_half *half = half_of(rec->id);
	__u64 key = rec->id;
	int err; /* before 6.4 the map operations return an int, the upper half of the register is not set */

	if (FAULT(ENROL))
		return;
	if (!is_hooked(rec->sk)) {
		/* The registration does not reach this cgroup. A CLAIM hooks it, and names the socket again. */
		decide_plain(rec, UP_REASON_NOT_HOOKED);
		out->moved = 1;
		return;
	}
	err = charge_pair(half, other_half(rec));
	if (err) {
		decide_plain(rec, err == -EDQUOT ? UP_REASON_QUOTA : UP_REASON_TABLE_FULL);
		out->moved = 1;
		return;
	}
	/* Before the insertion, since the verdict may run from then on. */
	rec->peer_copied_at_enrolment = 0;
	rec->reader_passed = 0;
	rec->tx = UP_TX_TCP;
	rec->flags &= ~(UP_F_SETTLED | UP_F_JUDGE_NEXT | UP_F_JUDGEABLE);
	rec->enrolments++; /* so room that was given before counts no more */
	begin_judging(rec, messages_of(rec));
	rec->largest = 0;
	rec->peer_judged = 0; /* the first judgement corrects it, and hardly ever takes a flow off */
	rec->judge_at = rec->judged_messages + judge_messages;
	err = (int)bpf_map_update_elem(&members, &key, tp, BPF_NOEXIST);
	if (!err) {
		err = (int)bpf_map_update_elem(&senders, &key, tp, BPF_NOEXIST);
		if (err)
			leave_maps(rec); /* nothing is queued: the other end does not know that it was a member */
	}
	if (err == -EBUSY && may_try_again(rec, now))
		return;
	rec->busy_since_ns = 0;
	out->moved = 1;
	if (err) {
		decide_plain(rec, reason_of(err));
		return;
	}
	rec->enrolled_ns = now;
	rec->copied_at_enrolment = tp->copied_seq;
	rec->prot = (__u64)sk->__sk_common.skc_prot; /* the sockmap's variant of TCP by now */
	rec->pressure = (__u64)sk->__sk_common.skc_prot->memory_pressure;
	set_state(rec, UP_ENROLLED);
	publish(rec);
}

#endif
