// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Port groups: JVMs that bind the port they like. A second object beside underpass.bpf.c, so that a host without groups
 * has none of these hooks. The way of a port: member (who asks), bind (a real port in its place), table (which stands for
 * which, and the list of who is bound), share (how many anybody may have), identity (whose address), connect and send (to
 * the real one), names (and back, in what the application sees).
 */
#include <linux/bpf.h>
#include <linux/errno.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "kernel.h"
#include "ports.h"

/* The helper functions used are offered to GPL-compatible programs only. */
char _license[] SEC("license") = "Dual BSD/GPL";

#include "socket.bpf.h"
#include "process.bpf.h"
#include "ports_maps.bpf.h"
#include "ports_member.bpf.h"
#include "ports_share.bpf.h"
#include "ports_table.bpf.h"
#include "ports_identity.bpf.h"
#include "ports_bind.bpf.h"
#include "ports_connect.bpf.h"
#include "ports_names.bpf.h"
