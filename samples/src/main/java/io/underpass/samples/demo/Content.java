/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.samples.demo;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;

/** The files that the server serves, 0 bytes to 1 MB, each the same in every run. */
final class Content {

  private static final List<Integer> SIZES =
      List.of(0, 1, 100, 1024, 4096, 16_384, 65_536, 262_144, 1_048_576);

  private Content() {}

  /**
   * One file.
   *
   * @param file its name
   * @param bytes its length
   * @param sha256 of what is in it, in hexadecimal
   */
  record Item(String file, int bytes, String sha256) {}

  /** Writes the files into {@code folder}. */
  static List<Item> generate(Path folder) throws IOException {
    Files.createDirectories(folder);
    return IntStream.range(0, SIZES.size())
        .mapToObj(i -> generate(folder, SIZES.get(i), i))
        .toList();
  }

  private static Item generate(Path folder, int size, int seed) {
    byte[] body = new byte[size];
    new Random(seed).nextBytes(body);
    String file = size + ".bin";
    try {
      Files.write(folder.resolve(file), body);
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
    return new Item(file, size, sha256(body));
  }

  static String sha256(byte[] bytes) {
    try {
      return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
    }
  }
}
