/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.samples.demo;

import java.util.List;
import java.util.stream.Stream;

/** The kinds of requests that the table tells apart: what is asked, and how large the body is. */
final class Kinds {

  private static final String SMALL = "up to 4 KB";

  /**
   * Larger ones are not put together: the median of two sizes would lie somewhere between them, and
   * jump from one to the other.
   */
  private static final List<String> SIZES = List.of(SMALL, "16 KB", "64 KB", "256 KB", "1 MB");

  /** In the order of the table. */
  static final List<String> ALL =
      SIZES.stream().flatMap(size -> Stream.of("get, " + size, "echo, " + size)).toList();

  private Kinds() {}

  static String get(int bytes) {
    return "get, " + size(bytes);
  }

  static String echo(int bytes) {
    return "echo, " + size(bytes);
  }

  /** How often in a row: about as real services are asked, whose bodies are mostly small. */
  static int repeats(int bytes) {
    return bytes <= 4096 ? 20 : bytes <= 65_536 ? 4 : 1;
  }

  private static String size(int bytes) {
    return bytes <= 4096 ? SMALL : bytes < 1 << 20 ? (bytes >> 10) + " KB" : (bytes >> 20) + " MB";
  }
}
