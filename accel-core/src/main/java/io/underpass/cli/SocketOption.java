/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.cli;

import io.underpass.protocol.HelperClient;
import java.nio.file.Path;
import picocli.CommandLine.Option;

/** The option {@code --socket}. */
final class SocketOption {
  @Option(
      names = "--socket",
      paramLabel = "PATH",
      description = "where the helper listens; default: ${DEFAULT-VALUE}")
  private Path path = HelperClient.DEFAULT_SOCKET;

  Path path() {
    return path;
  }
}
