/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.samples.bench;

import java.util.List;

/** One-way streams: how much goes through. */
final class StreamSuite extends TurnSuite {

  private static final int KB = 1024;
  private static final long LEAD_IN_MILLIS = 100;

  StreamSuite() {
    super(
        Unit.MEGABYTES_PER_SECOND,
        List.of(KB, 16 * KB, 64 * KB, 128 * KB, 256 * KB),
        List.of(16 * KB));
  }

  @Override
  public String name() {
    return "stream";
  }

  @Override
  public String explanation() {
    return """
        One thread writes messages of one size to a blocking `java.net.Socket` without a pause; another one reads into \
        64 KB. Nothing goes the other way. The figure is what the reader got, in 10^6 bytes a second.""";
  }

  @Override
  String parameter() {
    return "bytes";
  }

  @Override
  String rowName(int bytes) {
    return "stream %d KB".formatted(bytes / KB);
  }

  @Override
  Side side(JvmPair pair, int bytes) {
    return new StreamSide(pair, Transport.SOCKET, bytes, LEAD_IN_MILLIS);
  }
}
