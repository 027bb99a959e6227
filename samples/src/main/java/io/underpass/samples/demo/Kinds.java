package io.underpass.samples.demo;

import java.util.List;

/** The kinds of requests that the table tells apart: what is asked, and how large the body is. */
final class Kinds {

  private static final String SMALL = "up to 4 KB";
  private static final String MIDDLE = "16 to 64 KB";
  private static final String LARGE = "256 KB to 1 MB";

  /** In the order of the table. */
  static final List<String> ALL =
      List.of(
          "get, " + SMALL,
          "echo, " + SMALL,
          "get, " + MIDDLE,
          "echo, " + MIDDLE,
          "get, " + LARGE,
          "echo, " + LARGE);

  private Kinds() {}

  static String get(int bytes) {
    return "get, " + size(bytes);
  }

  static String echo(int bytes) {
    return "echo, " + size(bytes);
  }

  /** How often in a row: about as real services are asked, whose bodies are mostly small. */
  static int repeats(String kind) {
    return kind.endsWith(SMALL) ? 20 : kind.endsWith(MIDDLE) ? 4 : 1;
  }

  private static String size(int bytes) {
    return bytes <= 4096 ? SMALL : bytes <= 65_536 ? MIDDLE : LARGE;
  }
}
