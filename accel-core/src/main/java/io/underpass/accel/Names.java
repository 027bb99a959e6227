/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.accel;

import java.nio.ByteBuffer;

/** The sockets that programs have named since the last sweep. Thread-safe. */
final class Names {
  private Ids named = new Ids();

  /** A record of the ring buffer: an id, or 0, which is a wake-up alone. */
  synchronized void add(ByteBuffer event) {
    long id = event.getLong();
    if (id != 0) {
      named.add(id);
    }
  }

  /** They are the caller's from here on. */
  synchronized Ids take() {
    Ids those = named;
    named = new Ids();
    return those;
  }
}
