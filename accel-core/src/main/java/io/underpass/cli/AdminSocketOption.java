/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.cli;

import java.nio.file.Path;
import picocli.CommandLine.Option;

/** The option {@code --admin-socket}. */
final class AdminSocketOption {
  @Option(
      names = "--admin-socket",
      paramLabel = "PATH",
      description = "where the helper listens for administration; default: admin/ beside --socket")
  private Path path;

  /** Null where the user names none. */
  Path path() {
    return path;
  }
}
