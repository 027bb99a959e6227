/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The kernel's socket behind a struct bpf_sock. Of both objects. */
#ifndef UNDERPASS_SOCKET_H
#define UNDERPASS_SOCKET_H

/* By way of the stack: a struct bpf_sock stands for the kernel's socket, but the verifier lets nobody look behind it. */
static __always_inline __u64 address_of(struct bpf_sock *sk)
{
	__u64 address = 0;

	bpf_probe_read_kernel(&address, sizeof(address), &sk);
	return address;
}

#endif
