/**
 * Acceleration: the registrations, the sweep that pairs sockets and decides about them, and the
 * tables that tell of them. The programs are those of {@code bpf/underpass.bpf.c}.
 */
package io.underpass.accel;
