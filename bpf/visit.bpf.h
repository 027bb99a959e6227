/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Visits: the helper names sockets by their ids, and up_visit moves each of them on: pairs it, decides, enrols it, and takes it off
 * again. What the programs name (name_id), what is due, and what has moved is visited, and nothing else: a settled flow costs
 * nothing.
 *
 * up_visit is a program of `tc`, attached to nothing: the helper runs it (BPF_PROG_RUN). It finds an enrolled socket by its id in the
 * sockhash, wherever it is, and another one by its addresses, in the network namespace of the thread that runs it. It holds a
 * reference of the socket, and never waits for its lock. The verdict reads what a visit wrote: `state` is written last, as the
 * hand-over.
 */
#ifndef UNDERPASS_VISIT_H
#define UNDERPASS_VISIT_H

/* Of one that nothing happens to: an idle connection, say. */
#define LAST_NS 1000000000

/* Of one whose user had no share left. */
#define QUOTA_NS (4 * (__u64)LAST_NS)

/* A stream that has lost its trials is looked at more rarely still. */
#define MAX_TRIAL_SHIFT 4

/*
 * Enrolled: once the other end is too, the verdict may redirect; each end learns the other's copied_at_enrolment. And
 * later, when there is reason to ask: is the other end still as it was then? One that was taken off and enrolled again may
 * have a reader that never looked at the psock queue.
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
			leave(rec, half->reason, out);
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
		leave(rec, UP_REASON_PAUSED, out); /* it has begun anew, or has gone; or this one was connected anew */
		return;
	}
	if (rec->state == UP_ENROLLED && now - rec->enrolled_ns > no_peer_ns) {
		/* It would pass every message, which is slower than plain. */
		leave(rec, UP_REASON_NO_PEER, out);
		return;
	}
	publish(rec);
}

/* The helper stops, the owner is not registered any more, or not one that the other end's owner trusts: back to TCP. */
static __always_inline void send_back(struct up_sock *rec, __u8 reason, struct up_visit *out)
{
	if (rec->state == UP_ENROLLED || rec->state == UP_READY)
		leave(rec, reason, out);
	else if (rec->state != UP_PLAIN && rec->state != UP_LEAVING)
		decide_plain(rec, reason);
}

/* Nobody's, until a registration claims it again; which may be in this very moment, and then counts. */
static __always_inline void disown(struct up_sock *rec)
{
	__u32 id = rec->owner_id, slot = rec->owner_slot;

	if (is_owned(rec))
		return;
	__sync_val_compare_and_swap(&rec->owner_id, id, 0);
	__sync_val_compare_and_swap(&rec->owner_slot, slot, 0);
}

/*
 * Nobody answered in time, but the other end has come since. Only where pairing can go on from there: two ends that each find the
 * other one new, and give up again, would go on for ever.
 */
static __always_inline int is_looked_for(const struct up_sock *rec)
{
	__u64 other = find_other(rec);
	struct up_half *half = other ? half_of(other) : 0;

	return half && half->state == UP_NEW && is_plausible(rec->sk, half) && trust_in(rec, half) == UP_TRUSTED && is_hooked(rec->sk);
}

static __always_inline int is_anew_possible(const struct up_sock *rec)
{
	struct up_half *half;

	switch (rec->reason) {
	case UP_REASON_PAUSED:
		return 1;
	case UP_REASON_NO_PEER:
	case UP_REASON_UNTRUSTED:
		return rec->asked || is_looked_for(rec);
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
 * A pause is over, somebody has registered or has another owner since nobody answered, or was trusted, or there is a share. But not while the other end still leaves the last
 * acceleration: it waits until this one is seen to be plain (is_let_go), which may take as long as its reader.
 */
static __always_inline int may_ask_again(const struct up_sock *rec)
{
	struct up_half *half = other_half(rec);

	if (half && half->state == UP_LEAVING)
		return 0;
	return is_anew_possible(rec);
}

/* Twice as long each time that nothing has moved. */
static __always_inline __u64 pause_of(struct up_sock *rec, int moved)
{
	__u64 pause;

	if (moved)
		rec->waits = 0;
	else if (rec->waits < 14)
		rec->waits++;
	pause = (__u64)SOON_NS << (rec->waits & 15);
	return pause < LAST_NS ? pause : LAST_NS;
}

/* When the socket wants to be visited again, unless it is named before. */
static __always_inline __u64 again_after(struct up_sock *rec, const struct up_visit *out, int paused, __u64 now)
{
	__u64 rest, pause = pause_of(rec, out->moved);

	switch (rec->state) {
	case UP_NEW:
		/* The other end names it when it comes: there is only its time to be waited for. */
		rest = rec->since_ns + no_peer_ns - now;
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
		return may_ask_again(rec) || rec->reason == UP_REASON_PAUSED ? pause : 0;
	default:
		return pause;
	}
}

/* One of the two ends has got another owner since they were brought together. */
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
		 * A finished connection leaves when it is closed. But not when the helper stops: its psock keeps the verdict, which keeps
		 * the maps, for as long as its program does not close it. Nobody redirects to it any more (is_shut), so an empty queue
		 * stays empty.
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
		send_back(rec, UP_REASON_NO_PEER, out);
	else if (is_among_strangers(rec))
		send_back(rec, UP_REASON_UNTRUSTED, out);
	else if (rec->state == UP_PLAIN && may_ask_again(rec))
		start_over(rec, out, now);
	else if (rec->state == UP_PLAIN && is_about_traffic(rec->reason))
		reconsider(rec, tp, out, now);

	if (rec->state == UP_NEW)
		pair(rec, tp, out, now);
	if (rec->state == UP_PAIRED)
		judge(rec, tp, out);
	if (rec->state == UP_WANTED)
		enrol(rec, tp, out, now);
	if (rec->state == UP_ENROLLED || rec->state == UP_READY)
		hand_over(rec, out, now);
	if (rec->state == UP_READY) {
		rec->asked = 0; /* its owner is served */
		review(rec, out, now);
	}
	if (rec->peer_id)
		out->peer_id = rec->peer_id;
	if (rec->state == UP_LEAVING) {
		publish(rec);
		if (!is_let_go(rec))
			out->nudge = 1; /* the other end is to be seen to leave, or to have gone */
		else if (!psock_queued(&tp->inet_conn.icsk_inet.sk) || fault & UP_FAULT_UNENROL)
			out->outcome = UP_VISIT_LEAVES;
	}
	out->owner_id = rec->owner_id;
	if (!out->again_ns)
		out->again_ns = again_after(rec, out, paused, now);
	out->state = rec->state;
	return 0;
}

/*
 * The socket that was claimed gets a record, or a new owner, and is visited next, by the id that it then has; the claim goes. By its
 * file it is known to be the one that the process had open, and not a later one with the same addresses at the same place.
 */
static __always_inline void adopt(struct tcp_sock *tp, const struct up_half *claim, struct up_visit *out)
{
	struct socket *socket = BPF_CORE_READ(tp, inet_conn.icsk_inet.sk.sk_socket);
	__u32 tgid = claim->owner_tgid, id = claim->owner_id;
	struct up_jvm *jvm = bpf_map_lookup_elem(&jvms, &tgid);
	struct up_sock *rec;

	if (claim->sk != (__u64)tp || BPF_CORE_READ(socket, file, f_inode, i_ino) != claim->claimed_inode || !jvm || jvm->id != id)
		return;
	rec = bpf_sk_storage_get(&socks, tp, 0, BPF_SK_STORAGE_GET_F_CREATE);
	if (!rec) {
		count_plain(jvm->slot, UP_REASON_NO_RECORD);
		return;
	}
	set_owner(rec, id, jvm->slot, tgid);
	introduce(rec, (__u64)tp);
	rec->asked = 1;
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
	__sync_lock_test_and_set(&rec->named, 0); /* first: what happens from here on names it again */
	out->outcome = UP_VISIT_DONE;
	out->owner_tgid = rec->owner_tgid;
	out->owner_id = rec->owner_id;
	if (half) {
		/* By which the sockets of a registration that ends are found. */
		half->owner_id = rec->owner_id;
		half->owner_tgid = rec->owner_tgid;
	} else if (make_half((__u64)tp, out->id, rec->owner_id, rec->owner_tgid, 0)) {
		return; /* no room: nobody could find it; as it is, it is as good as it was */
	}
	if (mode == UP_MODE_STEP) {
		step(rec, tp, out);
		return;
	}
	if (rec->state == UP_LEAVING)
		take_off(rec, tp, out);
	if (rec->state == UP_LEAVING)
		out->again_ns = pause_of(rec, 0); /* not now */
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
	/* Where nobody can be asked and nothing be done any more, nothing is kept either: its next owner makes it known again. */
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
		out->moved = out->peer_id != 0; /* the other end may wait for it to leave */
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
