/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.ffm;

/**
 * One program as a compiled object describes it; the kernel need not have seen it.
 *
 * @param name of its C function
 * @param kind its ELF section, such as {@code sk_msg} or {@code iter/task_file}: what decides
 *     whether a kernel takes it at all
 * @param type enum bpf_prog_type, as libbpf derives it from the section
 * @param attachType enum bpf_attach_type, likewise
 */
public record ProgramSpec(String name, String kind, int type, int attachType) {}
