/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.bpf.fuzz;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.SplittableRandom;

/** Makes frames: random bytes, requests with some bytes changed, requests that are too long. */
final class Frames {
  private static final int LONGEST = 3000;

  /** Of the protocol; none of them registers: no policy that it is used with knows the group. */
  private static final String[] REQUESTS = {
    "REGISTER proto=1 agent=0.1.0 enabled=auto group=nobody ports=8080;9000-9100 publish=8080"
        + " identity=auto datagrams=later",
    "REGISTER proto=2 agent=a enabled=on color=blue",
    "FLOWS limit=1000",
    "PORTS limit=10 group=blue port=8080",
    "STATUS",
    "TOTALS",
    "CLAIM",
    "DATAGRAMS",
    "DRAIN wait=86400",
  };

  private final SplittableRandom random;

  Frames(long seed) {
    random = new SplittableRandom(seed);
  }

  byte[] next() {
    int kind = random.nextInt(10);
    if (kind == 0) {
      return noise(random.nextInt(1, LONGEST));
    }
    byte[] request = request();
    if (kind == 1) {
      return Arrays.copyOf(request, random.nextInt(1025, LONGEST)); // filled up with zeros
    }
    if (kind == 2) {
      return Arrays.copyOf(request, random.nextInt(request.length)); // cut off
    }
    for (int i = random.nextInt(1, 6); i > 0; i--) {
      request[random.nextInt(request.length)] = (byte) random.nextInt(256);
    }
    return request;
  }

  private byte[] request() {
    String request = REQUESTS[random.nextInt(REQUESTS.length)] + "\n";
    return request.getBytes(StandardCharsets.US_ASCII);
  }

  private byte[] noise(int length) {
    byte[] bytes = new byte[length];
    random.nextBytes(bytes);
    return bytes;
  }

  /** Whether this one is to be sent byte by byte. */
  boolean isSlow() {
    return random.nextInt(1000) == 0;
  }
}
