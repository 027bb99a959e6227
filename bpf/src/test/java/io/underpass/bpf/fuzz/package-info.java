/** What no client of the helper should send, by the million: {@code make fuzz}. */
package io.underpass.bpf.fuzz;
