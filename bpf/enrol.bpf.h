/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Enrolment: a socket becomes a member of both sockhashes. up_scan does it, so the socket's owner lock is not held: a send, a
 * receive or a close may be running in this very moment, with the functions of plain TCP.
 *
 * - A sender that runs goes on by TCP; the verdict waits until that has been read.
 * - A reader that runs, or sleeps, does not look at the psock queue before it returns. That is why `copied_at_enrolment` is
 *   taken after the insertion: whoever moves copied_seq beyond it has returned, or is about to, and its next read looks. The
 *   insertion takes the spin lock that release_sock() takes, so a read that ended before it is seen to have ended.
 * - A close that runs finds the psock at its end (sock_map_destroy), as it does when it waits for a lock that we hold.
 */
#ifndef UNDERPASS_ENROL_H
#define UNDERPASS_ENROL_H

static __always_inline __u8 reason_of(int err)
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
 * EBUSY: another sockmap owns the socket. Not the psock of an enrolment before this one, which judge() waits for. It is tried
 * again for a second, half of what the other end waits (no_peer_ns): the owner may be another helper, which is letting go.
 */
static __always_inline int may_try_again(struct up_sock *rec, __u64 now)
{
	if (!rec->busy_since_ns)
		rec->busy_since_ns = now;
	return now - rec->busy_since_ns < no_peer_ns / 2;
}

static __always_inline void leave_maps(struct up_sock *rec)
{
	__u64 key = rec->cookie;

	bpf_map_delete_elem(&senders, &key);
	bpf_map_delete_elem(&members, &key);
}

/* What the flow does from here on is what it is judged by. */
static __always_inline void begin_judging(struct up_sock *rec, __u64 sent)
{
	rec->judged = sent;
	rec->judged_passed = rec->tx_counters.passed_messages;
	rec->judged_contended = rec->contended;
	rec->judged_bytes = bytes_of(rec);
}

/* WANTED: into both sockhashes. Stays WANTED where that may yet work. */
static __always_inline void enrol(struct up_sock *rec, struct sock *sk, struct tcp_sock *tp, struct up_control *ctl, __u64 now)
{
	__u64 key = rec->cookie;
	int err; /* before 6.4 the map operations return an int, the upper half of the register is not set */

	if (fault & UP_FAULT_ENROL)
		return;
	if (!is_hooked(sk)) {
		/* The registration does not reach it; whoever sees to that (CLAIM) begins a generation, and it is asked again. */
		decide_plain(rec, sk, UP_REASON_NO_PEER);
		return;
	}
	ctl->unsettled++;
	/* Before the insertion: the verdict may run from then on. */
	rec->peer_copied_at_enrolment = 0;
	rec->seen = 0;
	rec->tx = UP_TX_TCP;
	rec->flags &= ~(UP_F_SETTLED | UP_F_ASKED | UP_F_ROOM | UP_F_WANTS_ROOM | UP_F_JUDGED);
	begin_judging(rec, messages_of(rec));
	rec->largest = 0;
	rec->peer_judged = 0; /* corrected by the first judgement, which hardly ever is one */
	rec->judge_at = rec->judged + judge_messages;
	err = (int)bpf_map_update_elem(&members, &key, sk, BPF_NOEXIST);
	if (!err) {
		err = (int)bpf_map_update_elem(&senders, &key, sk, BPF_NOEXIST);
		if (err)
			leave_maps(rec); /* nothing is queued yet: nobody knows that it was a member */
	}
	if (err == -EBUSY && may_try_again(rec, now))
		return;
	rec->busy_since_ns = 0;
	if (err) {
		decide_plain(rec, sk, reason_of(err));
		return;
	}
	/* Only now does the sockhash hold the socket: it may have been freed before, and its memory be another one's. */
	if (bpf_get_socket_cookie(sk) != rec->cookie) {
		leave_maps(rec);
		return;
	}
	rec->enrolled_ns = now;
	rec->copied_at_enrolment = tp->copied_seq;
	rec->prot = (__u64)sk->__sk_common.skc_prot; /* a sockmap's variant of TCP, by now */
	rec->pressure = (__u64)sk->__sk_common.skc_prot->memory_pressure;
	set_state(rec, UP_ENROLLED);
	publish(rec, sk);
	ctl->progress++;
}

/*
 * Is it time to make room? That takes a walk with locks, so it is done for flows of which either end sends large messages, or
 * that have lasted a while: small messages do without.
 */
static __always_inline int wants_room(const struct up_sock *rec, __u64 now)
{
	struct up_half *half;

	if ((rec->state != UP_ENROLLED && rec->state != UP_READY) || rec->flags & UP_F_ROOM)
		return 0;
	if (take_every || rec->average_size >= LARGE_MESSAGE || now - rec->enrolled_ns >= room_after_ns)
		return 1;
	half = other_half(rec);
	return is_mutual(rec, half) && half->room & UP_HALF_LARGE;
}

#endif
