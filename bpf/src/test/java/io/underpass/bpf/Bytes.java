/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.bpf;

import java.util.SplittableRandom;

/**
 * The bytes of a stream, computed from a seed and a position: a reader knows at each byte what it
 * should be, so loss, repetition and reordering all show at the first wrong byte.
 */
final class Bytes {
  private final long seed;

  Bytes(long seed) {
    this.seed = new SplittableRandom(seed).nextLong();
  }

  byte at(long position) {
    long x = (position ^ seed) * 0x9E3779B97F4A7C15L;
    return (byte) (x >>> 56);
  }

  void fill(byte[] into, int length, long position) {
    for (int i = 0; i < length; i++) {
      into[i] = at(position + i);
    }
  }

  /** The index of the first wrong byte, or -1. */
  int firstWrong(byte[] got, int length, long position) {
    for (int i = 0; i < length; i++) {
      if (got[i] != at(position + i)) {
        return i;
      }
    }
    return -1;
  }
}
