// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The programs of Underpass, one object. The way of a connection: caller (who registers), identity (whose socket), visit (its other end, and
 * whether it would gain), enrol (into the sockhashes), verdict (each message), take_off (out again), dump (what became of it).
 */
#include <linux/bpf.h>
#include <linux/errno.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "kernel.h"
#include "underpass.h"

/* The helper functions used are offered to GPL-compatible programs only. */
char _license[] SEC("license") = "Dual BSD/GPL";

#include "maps.bpf.h"
#include "flow.bpf.h"
#include "socket.bpf.h"
#include "process.bpf.h"
#include "registration.bpf.h"
#include "tenants.bpf.h"
#include "identity.bpf.h"
#include "caller.bpf.h"
#include "pairing.bpf.h"
#include "enrol.bpf.h"
#include "judge.bpf.h"
#include "take_off.bpf.h"
#include "lookup.bpf.h"
#include "visit.bpf.h"
#include "back_pressure.bpf.h"
#include "verdict.bpf.h"
#include "room.bpf.h"
#include "options.bpf.h"
#include "dump.bpf.h"
