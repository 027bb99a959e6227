// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Port groups: JVMs that bind the port they like. A second object beside underpass.bpf.c, so that a host without groups
 * has none of these hooks. The way of a port: member (which process asks), bind (a real port in its place), table
 * (which real port stands for which virtual one, and the list of bound sockets), share (how many one user may have),
 * identity (whose address), connect and send (to the real port), names (and back, in what the application sees).
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

/* The kernel offers the helper functions used to GPL-compatible programs only. */
char _license[] SEC("license") = "Dual BSD/GPL";

#include "ports_bind.bpf.h"
#include "ports_connect.bpf.h"
#include "ports_names.bpf.h"
