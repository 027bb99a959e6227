/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.kernel;

/**
 * A process, and the program that it runs, as the kernel noted them when it registered.
 *
 * @param startNanos when it started, since boot
 * @param execId the kernel's count of the programs that it has run; 0 where the kernel did not say
 */
public record ProcessIdentity(long startNanos, long execId) {}
