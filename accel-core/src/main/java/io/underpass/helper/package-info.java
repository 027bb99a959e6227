/**
 * The privileged helper: admits JVMs over a unix socket, and keeps the programs that accelerate
 * their sockets loaded, attached and pinned.
 */
package io.underpass.helper;
