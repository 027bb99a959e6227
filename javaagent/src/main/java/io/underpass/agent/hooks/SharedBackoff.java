/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.agent.hooks;

/**
 * What sockets that have never won by spinning know of each other: where all of them lose, as on
 * one processor, each new connection would have to find out for itself, and most end before they
 * have.
 *
 * <p>Written by any reader without a lock: an update that is lost is made again by the next
 * attempt.
 */
final class SharedBackoff {
  private volatile int level;

  /** No attempt of a new socket before; {@code System.nanoTime}. */
  private volatile long notBefore;

  SharedBackoff(long now) {
    notBefore = now;
  }

  boolean isTooEarly(long now) {
    return now - notBefore < 0;
  }

  /** A socket that is new lost its attempt. */
  void lost(long now) {
    int next = Math.min(level + 1, Spin.MAX_LEVEL);
    level = next;
    notBefore = now + (Spin.REST_NANOS << next);
  }

  /** Some socket won one. */
  void won() {
    int now = level;
    if (now != 0) {
      level = now >> 1;
    }
  }
}
