/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.cli;

import java.nio.file.Path;
import picocli.CommandLine.Option;

/** The option {@code --policy}. */
final class PolicyOption {
  @Option(
      names = "--policy",
      paramLabel = "FILE",
      description = "who may register; default: /etc/underpass/policy, if that file exists")
  private Path file;

  /** Null where the user names none. */
  Path file() {
    return file;
  }
}
