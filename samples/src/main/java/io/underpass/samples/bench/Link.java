/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.samples.bench;

import java.io.Closeable;
import java.io.IOException;

/**
 * One end of a connection, with a buffer of its own: a message is as long as that at most. Used by
 * one thread at a time.
 */
interface Link extends Closeable {

  /** Writes a message of this many bytes; what is in it does not matter. */
  void write(int bytes) throws IOException;

  /** Reads exactly this many bytes. Fails with EOFException where the stream ends before. */
  void readFully(int bytes) throws IOException;

  /** Reads what is there, at most a buffer full. Returns -1 at the end of the stream. */
  int readSome() throws IOException;

  /**
   * The next close leaves nothing behind: where the other end has closed first, its TIME_WAIT ends
   * at once.
   */
  default void forget() throws IOException {
    throw new UnsupportedOperationException("only short connections need it, and they are Sockets");
  }
}
