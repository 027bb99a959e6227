package io.underpass.cli;

import io.underpass.helper.HelperConfig;
import io.underpass.protocol.HelperClient;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import picocli.CommandLine.Option;

/** The option that says which helper to ask. */
final class Connect {
  /** Long enough for a helper that has a hundred thousand flows to look at. */
  private static final Duration PATIENCE = Duration.ofSeconds(10);

  @Option(names = "--socket", paramLabel = "PATH", description = "where the helper listens")
  private Path socket = HelperConfig.DEFAULT_SOCKET;

  HelperClient open() throws IOException {
    return HelperClient.connect(socket, PATIENCE);
  }
}
