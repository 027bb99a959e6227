/** Tests of the BPF programs: real sockets of this JVM, on the running kernel. */
package io.underpass.bpf;
