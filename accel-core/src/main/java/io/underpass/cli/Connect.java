/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.cli;

import io.underpass.protocol.ErrorCode;
import io.underpass.protocol.HelperClient;
import io.underpass.protocol.WireException;
import io.underpass.service.HelperConfig;
import java.io.IOException;
import java.net.SocketException;
import java.nio.file.Path;
import java.time.Duration;
import picocli.CommandLine.Mixin;

/**
 * The options that say which helper to ask. It is asked over its socket for administration if that
 * can be opened, and else over the one that everybody has, which tells less.
 */
final class Connect {
  /** Long enough for a helper that has a hundred thousand flows to look at. */
  private static final Duration PATIENCE = Duration.ofSeconds(10);

  @Mixin private SocketOption socket;
  @Mixin private AdminSocketOption adminSocket;

  /** What is asked. */
  @FunctionalInterface
  interface Question<T> {
    T ask(HelperClient helper) throws IOException;
  }

  <T> T ask(Question<T> question) throws IOException {
    try (HelperClient admin = openAdmin()) {
      return question.ask(admin);
    } catch (SocketException e) {
      // There is none, or this user may not open it.
    } catch (WireException e) {
      if (e.code() != ErrorCode.DENIED) {
        throw e;
      }
    }
    try (HelperClient client = HelperClient.connect(socket.path(), PATIENCE)) {
      return question.ask(client);
    }
  }

  /** A connection for administration. */
  HelperClient openAdmin() throws IOException {
    Path named = adminSocket.path();
    Path path = named == null ? HelperConfig.adminSocketOf(socket.path()) : named;
    return HelperClient.connect(path, PATIENCE);
  }
}
