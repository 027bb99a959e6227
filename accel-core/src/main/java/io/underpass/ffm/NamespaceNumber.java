/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.ffm;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** The number by which the kernel tells a namespace from others: the inode of its file. */
public final class NamespaceNumber {
  private NamespaceNumber() {}

  /**
   * Of a link of {@code /proc}, which says {@code net:[4026531840]}.
   *
   * @param link {@code /proc/<pid>/ns/net}, or one to an open file of a namespace
   */
  public static int of(Path link) throws IOException {
    String text = Files.readSymbolicLink(link).toString();
    return Integer.parseUnsignedInt(text.substring(text.indexOf('[') + 1, text.length() - 1));
  }
}
