/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.cli;

import io.underpass.service.HelperConfig;
import java.nio.file.Path;
import picocli.CommandLine.Option;

/** The option {@code --pin-dir}. */
final class PinDirOption {
  @Option(
      names = "--pin-dir",
      paramLabel = "DIR",
      description =
          "folder on a bpf file system, where the helper pins what outlives it; default:"
              + " ${DEFAULT-VALUE}")
  private Path folder = HelperConfig.DEFAULT_BPFFS;

  Path folder() {
    return folder;
  }
}
