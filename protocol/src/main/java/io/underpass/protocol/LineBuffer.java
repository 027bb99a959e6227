/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.protocol;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * Cuts a stream of bytes into lines and never holds more than one line of the given bound.
 *
 * <p>Not thread-safe: it belongs to one connection. After an exception the connection is of no more
 * use.
 */
public final class LineBuffer {
  private final int limit;
  private byte[] bytes = new byte[256];
  private int length;

  /** With the longest line that is taken, in bytes, with its line end. */
  public LineBuffer(int limit) {
    this.limit = limit;
  }

  /**
   * Takes bytes up to the next line end.
   *
   * @return the line without its end, or null when {@code in} is used up and the line is not
   *     finished
   * @throws WireException if the line is too long, or holds anything but printable ASCII
   */
  public String next(ByteBuffer in) throws WireException {
    while (in.hasRemaining()) {
      byte b = in.get();
      if (b == '\n') {
        String line = new String(bytes, 0, length, StandardCharsets.US_ASCII);
        length = 0;
        return line;
      }
      if (length + 2 > limit) {
        throw new WireException(ErrorCode.TOO_LONG, "a line of more than " + limit + " bytes");
      }
      if (b < ' ' || b == 0x7f) {
        throw Wire.malformed("a byte that is not printable ASCII");
      }
      if (length == bytes.length) {
        bytes = Arrays.copyOf(bytes, Math.min(limit, length * 2));
      }
      bytes[length++] = b;
    }
    return null;
  }

  /** Whether a line has begun and is not finished. */
  public boolean isPartial() {
    return length > 0;
  }
}
