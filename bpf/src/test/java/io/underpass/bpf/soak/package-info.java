/**
 * Random schedules of what programs do with sockets, run over pairs that are enrolled and taken off
 * while it happens, and compared with a model of TCP; see {@code docs/testing.md}.
 */
package io.underpass.bpf.soak;
