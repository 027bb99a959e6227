/** Tries with sockets of its own whether this kernel redirects without loss, and in order. */
package io.underpass.probe;
