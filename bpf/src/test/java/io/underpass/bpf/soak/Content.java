/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.bpf.soak;

import java.nio.ByteBuffer;
import java.util.SplittableRandom;

/**
 * What every stream consists of: random bytes that repeat after a prime number of them, from a
 * place that is the stream's own. So a byte tells its position, and loss, repetition and reordering
 * show at the first wrong byte; and nothing has to be computed to write or to compare.
 */
final class Content {
  /** More than the largest write, so that no write repeats itself. */
  static final int PERIOD = 1_048_583;

  private static final ByteBuffer BYTES = random();

  private Content() {}

  private static ByteBuffer random() {
    byte[] period = new byte[PERIOD];
    new SplittableRandom(0x5EED).nextBytes(period);
    return ByteBuffer.allocateDirect(2 * PERIOD).put(period).put(period).clear();
  }

  /** The bytes of a stream from a position on; {@code size} is at most {@link #PERIOD}. */
  static ByteBuffer of(int start, long position, int size) {
    return BYTES.slice((int) ((start + position) % PERIOD), size);
  }
}
