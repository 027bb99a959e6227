// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The programs of Underpass, one object. The way of a connection: caller (which process registers), identity (whose
 * socket), visit (its other end, and whether it would gain), enrol (into the sockhashes), verdict (each message),
 * take_off (out again), dump (what became of it). Each header includes what it uses.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

/* The kernel offers the helper functions used to GPL-compatible programs only. */
char _license[] SEC("license") = "Dual BSD/GPL";

#include "caller.bpf.h"
#include "identity.bpf.h"
#include "visit.bpf.h"
#include "verdict.bpf.h"
#include "options.bpf.h"
#include "dump.bpf.h"
