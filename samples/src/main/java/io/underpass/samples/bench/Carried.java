/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.samples.bench;

/**
 * Bytes that went past the TCP/IP stack.
 *
 * @param up sent by the client
 * @param down sent by the server
 */
record Carried(long up, long down) {

  static final Carried NOTHING = new Carried(0, 0);

  long total() {
    return up + down;
  }

  Carried plus(Carried more) {
    return new Carried(up + more.up, down + more.down);
  }

  Carried minus(Carried earlier) {
    return new Carried(up - earlier.up, down - earlier.down);
  }
}
