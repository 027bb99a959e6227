/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The kernel's socket behind a struct bpf_sock. Both objects include it. */
#ifndef UNDERPASS_SOCKET_H
#define UNDERPASS_SOCKET_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

/*
 * The address of the kernel's socket that a struct bpf_sock stands for. It goes by way of the stack, because the
 * verifier lets no program look behind a struct bpf_sock.
 */
static __always_inline __u64 address_of(struct bpf_sock *sk)
{
	__u64 address = 0;

	bpf_probe_read_kernel(&address, sizeof(address), &sk);
	return address;
}

#endif
