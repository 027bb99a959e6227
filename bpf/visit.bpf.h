/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Visits: the helper names sockets by their ids, and up_visit moves each of them on: it pairs the socket, decides,
 * enrols it, and takes it off again. The helper visits the sockets that programs name (notify_id), those that are due,
 * and those that have moved, and no others: a settled flow costs nothing.
 *
 * up_visit is a `tc` program, attached to nothing: the helper runs it (BPF_PROG_RUN). How it finds a socket stands in
 * lookup.bpf.h. It holds a reference of the socket, and never waits for its lock. It writes `state` last: with that,
 * the verdict may read what else it wrote.
 */
#ifndef UNDERPASS_VISIT_H
#define UNDERPASS_VISIT_H

#include <linux/bpf.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "flow.bpf.h"
#include "identity.bpf.h"
#include "judge.bpf.h"
#include "kernel.h"
#include "lookup.bpf.h"
#include "maps.bpf.h"
#include "pairing.bpf.h"
#include "take_off.bpf.h"
#include "tenants.bpf.h"
#include "underpass.h"

/* The longest pause between two visits of a socket, such as an idle connection. */
#define LAST_NS 1000000000

/* The pause where the user had no share left. */
#define QUOTA_NS (4 * (__u64)LAST_NS)

/* A stream that has lost its trials is visited more rarely still. */
#define MAX_TRIAL_SHIFT 4

/*
 * ENROLLED: once the other end is too, the verdict may redirect; each end learns the other's copied_at_enrolment.
 * READY: is the other end still as it was then? An end that was taken off and enrolled again may have a reader that
 * never looked at the psock queue.
 */
static __always_inline void hand_over(struct up_sock *rec, struct up_visit *out, __u64 now)
{
	struct up_half *half = other_half(rec);

	if (rec->pinned) {
		leave(rec, UP_REASON_PINNED, out);
		return;
	}
	if (is_mutual(rec, half)) {
		if (half->state == UP_PLAIN || half->state == UP_LEAVING) {
			leave(rec, reason_by_peer(rec, half), out);
			return;
		}
		if (rec->state == UP_READY &&
		    (half->state < UP_ENROLLED || half->enrolments != rec->peer_enrolments)) {
			leave(rec, UP_REASON_PAUSED, out);
			return;
		}
		if (rec->state == UP_READY && half->state == UP_READY) {
			rec->flags |= UP_F_SETTLED;
			return;
		}
		if (rec->state == UP_ENROLLED && (half->state == UP_ENROLLED || half->state == UP_READY)) {
			rec->peer_copied_at_enrolment = half->copied_at_enrolment;
			rec->peer_enrolments = half->enrolments;
			rec->peer_share = half->messages_share;
			rec->reason = rec->rule == UP_DECIDE_REDIRECT ? UP_REASON_RULE : UP_REASON_NONE;
			set_state(rec, UP_READY);
			out->moved = 1;
		}
	} else if (rec->state == UP_READY) {
		/* The other end has begun anew, or has gone; or this one was connected anew. */
		leave(rec, UP_REASON_PAUSED, out);
		return;
	}
	if (rec->state == UP_ENROLLED && now - rec->enrolled_ns > no_peer_ns) {
		/* Alone it would pass every message, which is slower than plain. */
		leave(rec, UP_REASON_NO_PEER, out);
		return;
	}
	publish(rec);
}

/* Back to TCP: the helper stops, or the owner's registration has ended, or the other end's owner does not trust it. */
static __always_inline void send_back(struct up_sock *rec, enum up_reason reason, struct up_visit *out)
{
	if (rec->state == UP_ENROLLED || rec->state == UP_READY)
		leave(rec, reason, out);
	else if (rec->state != UP_PLAIN && rec->state != UP_LEAVING)
		decide_plain(rec, reason);
}

/* The socket has no owner until a registration claims it again. A claim at this very moment wins. */
static __always_inline void disown(struct up_sock *rec)
{
	__u32 id = rec->owner_id, slot = rec->owner_slot;

	if (is_owned(rec))
		return;
	__sync_val_compare_and_swap(&rec->owner_id, id, 0);
	__sync_val_compare_and_swap(&rec->owner_slot, slot, 0);
}

/*
 * No end answered in time, but has the other end come since? Only where pairing can go on from there: two ends that
 * each find the other one new, and give up again, would go on for ever.
 */
static __always_inline int is_looked_for(const struct up_sock *rec)
{
	__u64 other = find_other(rec);
	struct up_half *half = other ? half_of(other) : 0;

	return half && half->state == UP_NEW && is_plausible(rec->sk, half) &&
	       trust_in(rec, half) == UP_TRUSTED && is_hooked(rec->sk);
}

/* A pause is over, the socket was claimed or is looked for, or its user has a share again. */
static __always_inline int has_reason_passed(const struct up_sock *rec)
{
	struct up_half *half;

	switch (rec->reason) {
	case UP_REASON_PAUSED:
		return 1;
	case UP_REASON_NO_PEER:
	case UP_REASON_NOT_HOOKED:
	case UP_REASON_NOT_REGISTERED:
	case UP_REASON_UNTRUSTED:
		return rec->claimed || is_looked_for(rec);
	case UP_REASON_QUOTA:
		half = half_of(rec->id);
		if (half && has_share(half->uid))
			return 1;
		look_for_closed();
		return 0;
	default:
		return 0;
	}
}

/*
 * May a plain socket start over? Not while the other end still leaves the last acceleration: that end waits until it
 * has seen this one plain (nobody_redirects_to), which may take as long as its reader.
 */
static __always_inline int may_start_over(const struct up_sock *rec)
{
	struct up_half *half = other_half(rec);

	if (half && half->state == UP_LEAVING)
		return 0;
	return has_reason_passed(rec);
}

/* How long until the next visit: twice as long each time that nothing has moved. */
static __always_inline __u64 pause_of(struct up_sock *rec, int moved)
{
	__u64 pause;

	if (moved)
		rec->idle_visits = 0;
	else if (rec->idle_visits < 14)
		rec->idle_visits++;
	pause = (__u64)SOON_NS << (rec->idle_visits & 15);
	return pause < LAST_NS ? pause : LAST_NS;
}

/* When the socket wants to be visited again, unless it is named before. */
static __always_inline __u64 again_after(struct up_sock *rec, const struct up_visit *out, int paused, __u64 now)
{
	__u64 rest, pause = pause_of(rec, out->moved);

	switch (rec->state) {
	case UP_NEW:
		/* The other end has this one visited when it comes. So only the end of its time is left to wait for. */
		rest = rec->looking_since_ns + no_peer_ns - now;
		return rest <= no_peer_ns ? rest + SOON_NS : pause;
	case UP_READY:
		return rec->flags & UP_F_SETTLED ? 0 : pause;
	case UP_PLAIN:
		if (paused)
			return 0;
		if (is_about_traffic(rec->reason))
			return (__u64)LAST_NS << (rec->trials < MAX_TRIAL_SHIFT ? rec->trials : MAX_TRIAL_SHIFT);
		if (rec->reason == UP_REASON_QUOTA)
			return QUOTA_NS;
		return may_start_over(rec) || rec->reason == UP_REASON_PAUSED ? pause : 0;
	default:
		return pause;
	}
}

/* Does the pair not trust each other any more? One of the two ends has another owner since they were paired. */
static __always_inline int is_among_strangers(const struct up_sock *rec)
{
	struct up_half *half = other_half(rec);

	return rec->state != UP_NEW && rec->state != UP_PLAIN && half && trust_in(rec, half) == UP_UNTRUSTED;
}

/* Moves one socket on. The caller holds a reference of it. */
static __attribute__((noinline)) int step(struct up_sock *rec, struct tcp_sock *tp, struct up_visit *out)
{
	struct up_control *ctl = control_of();
	__u64 now = bpf_ktime_get_ns();
	int paused, owned;
	__u8 state;

	if (!rec || !tp || !out || !ctl)
		return 0;
	paused = ctl->paused != 0;
	state = tp->inet_conn.icsk_inet.sk.__sk_common.skc_state;
	out->outcome = UP_VISIT_DONE;
	out->state = rec->state;
	if (is_enrolled(rec->state)) {
		/*
		 * A finished connection leaves the maps when its owner closes it. In a pause it leaves now: its psock
		 * would keep the verdict, and that the maps, until then. No verdict redirects to it any more (is_shut),
		 * so an empty queue stays empty.
		 */
		if (state == BPF_TCP_CLOSE) {
			if (!paused)
				return 0;
			if (psock_queued(&tp->inet_conn.icsk_inet.sk)) {
				out->again_ns = LAST_NS;
				return 0;
			}
			leave_maps(rec);
			rec->reason = UP_REASON_PAUSED;
			set_state(rec, UP_PLAIN);
			publish(rec);
			out->state = UP_PLAIN;
			return 0;
		}
	} else if (state != BPF_TCP_ESTABLISHED) {
		if (is_or_becomes_established(state))
			out->again_ns = pause_of(rec, 0);
		return 0;
	}
	owned = is_owned(rec);
	if (!owned)
		disown(rec);
	if (rec->repaired)
		send_back(rec, UP_REASON_UNSUPPORTED, out);
	else if (paused)
		send_back(rec, UP_REASON_PAUSED, out);
	else if (!owned)
		send_back(rec, UP_REASON_NOT_REGISTERED, out);
	else if (is_among_strangers(rec))
		send_back(rec, UP_REASON_UNTRUSTED, out);
	else if (rec->state == UP_PLAIN && may_start_over(rec))
		start_over(rec, out, now);
	else if (rec->state == UP_PLAIN && is_about_traffic(rec->reason))
		reconsider(rec, tp, out, now);

	if (rec->state == UP_NEW)
		pair(rec, tp, out, now);
	if (rec->state == UP_PAIRED)
		consider(rec, tp, out);
	if (rec->state == UP_WANTED)
		enrol(rec, tp, out, now);
	if (rec->state == UP_ENROLLED || rec->state == UP_READY)
		hand_over(rec, out, now);
	if (rec->state == UP_READY) {
		rec->claimed = 0; /* its owner has what it asked for */
		judge(rec, out, now);
	}
	if (rec->peer_id)
		out->peer_id = rec->peer_id;
	if (rec->state == UP_LEAVING) {
		publish(rec);
		if (!nobody_redirects_to(rec))
			out->nudge = 1; /* a visit of the other end is to see that it leaves, or has gone */
		else if (!psock_queued(&tp->inet_conn.icsk_inet.sk) || FAULT(UNENROL))
			out->outcome = UP_VISIT_LEAVES;
	}
	out->owner_id = rec->owner_id;
	if (!out->again_ns)
		out->again_ns = again_after(rec, out, paused, now);
	out->state = rec->state;
	return 0;
}

/*
 * A socket that was claimed gets a record, or a new owner. The next visit goes to the id that it then has, and the
 * claim goes. The inode of its file shows that it is the socket that the process had open, and not a later one with the
 * same addresses in the same memory.
 */
static __always_inline void adopt(struct tcp_sock *tp, const struct up_half *claim, struct up_visit *out)
{
	struct socket *socket = BPF_CORE_READ(tp, inet_conn.icsk_inet.sk.sk_socket);
	__u32 tgid = claim->owner_tgid, id = claim->owner_id;
	struct up_jvm *jvm = bpf_map_lookup_elem(&jvms, &tgid);
	struct up_sock *rec;

	if (claim->sk != (__u64)tp || BPF_CORE_READ(socket, file, f_inode, i_ino) != claim->claimed_inode)
		return;
	if (!jvm || jvm->id != id)
		return;
	rec = bpf_sk_storage_get(&socks, tp, 0, BPF_SK_STORAGE_GET_F_CREATE);
	if (!rec) {
		count_plain(jvm->slot, UP_REASON_NO_RECORD);
		return;
	}
	set_owner(rec, id, jvm->slot, tgid);
	introduce(rec, (__u64)tp);
	rec->claimed = 1;
	out->peer_id = rec->id;
}

static __always_inline void visit_socket(struct tcp_sock *tp, struct up_visit *out, __u32 mode)
{
	struct up_half *half = half_of(out->id);
	struct up_sock *rec;

	if (half && half->claimed_inode) {
		adopt(tp, half, out);
		return;
	}
	rec = bpf_sk_storage_get(&socks, tp, 0, 0);
	if (!rec || rec->id != out->id || rec->sk != (__u64)tp)
		return; /* another one, with the same addresses */
	__sync_lock_test_and_set(&rec->notified, 0); /* first: a change from here on names the socket again */
	out->outcome = UP_VISIT_DONE;
	out->owner_tgid = rec->owner_tgid;
	out->owner_id = rec->owner_id;
	if (half) {
		/* The helper finds the sockets of a registration that ends by these. */
		half->owner_id = rec->owner_id;
		half->owner_tgid = rec->owner_tgid;
	} else if (make_half((__u64)tp, out->id, rec->owner_id, rec->owner_tgid, 0)) {
		return; /* no room: without an entry no end could find it, so it stays as it is */
	}
	if (mode == UP_MODE_STEP) {
		step(rec, tp, out);
		return;
	}
	if (rec->state == UP_LEAVING)
		take_off(rec, tp, out);
	if (rec->state == UP_LEAVING)
		out->again_ns = pause_of(rec, 0); /* it could not be taken off now */
	out->peer_id = rec->peer_id;
	out->state = rec->state;
}

static long visit_one(__u32 i, struct run *run)
{
	struct up_visit *out = bpf_map_lookup_elem(&visits, &i);
	struct up_half *half;
	struct tcp_sock *tp;
	struct bpf_sock *sk;
	int elsewhere;
	__u64 id;

	if (!out)
		return 1;
	id = out->id;
	out->peer_id = 0;
	out->again_ns = 0;
	out->moved = 0;
	out->nudge = 0;
	out->state = UP_NEW;
	out->outcome = UP_VISIT_GONE;
	half = half_of(id);
	if (half) {
		out->peer_id = half->peer_id;
		out->netns_inum = half->netns_inum;
		out->owner_tgid = half->owner_tgid;
		out->owner_id = half->owner_id;
	}
	sk = find(run, id, half, &elsewhere);
	/*
	 * Without a registration, no thread can enter its namespace for it. Then nothing is kept: its next owner makes
	 * it known.
	 */
	if (elsewhere && half && jvm_of(half->owner_tgid, half->owner_id)) {
		out->bound_dev_if = half->bound_dev_if;
		out->outcome = UP_VISIT_ELSEWHERE;
		return 0;
	}
	if (sk) {
		tp = bpf_skc_to_tcp_sock(sk);
		if (tp)
			visit_socket(tp, out, run->mode);
		bpf_sk_release(sk);
	}
	if (out->outcome == UP_VISIT_GONE) {
		out->moved = out->peer_id != 0; /* the other end may be waiting for it to leave */
		forget(id);
	}
	return 0;
}

SEC("tc")
int up_visit(struct __sk_buff *ctx)
{
	struct run run = run_of(ctx);

	bpf_loop(ctx->cb[CB_COUNT], visit_one, &run, 0);
	return 0;
}

#endif
