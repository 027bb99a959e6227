/**
 * What acceleration and port groups both need of the kernel: built objects and their programs'
 * kinds, pins, network namespaces, and a process's identity.
 */
package io.underpass.kernel;
