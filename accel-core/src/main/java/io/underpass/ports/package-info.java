/** Port groups: their members, mappings and identities. The programs: {@code bpf/ports.bpf.c}. */
package io.underpass.ports;
