/** Tests of port groups, through the sockets of real processes. */
package io.underpass.bpf.ports;
