/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.FutureTask;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A helper that means harm, which the command line asks. */
@Timeout(60)
class TerminalTest {
  private static final String STATUS =
      "OK helper=1%1b]0;owned%07 state=running%0Astate+fine reason=%c2%9b2J%0Astate+fine pid=1"
          + " uptimeSeconds=1 registrations=0 flows=0 bpffs=%0D cgroup=%1b[2J kernel=6\n.\n";
  private static final String ERROR = "ERR code=internal message=a%0Ab%1b[2J\n.\n";

  @TempDir private Path folder;

  private CommandLineProcess.Result ask(String reply, String... options) throws Exception {
    Path socket = folder.resolve("s");
    try (ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
      server.bind(UnixDomainSocketAddress.of(socket));
      FutureTask<Integer> answer =
          new FutureTask<>(
              () -> {
                try (SocketChannel client = server.accept()) {
                  client.read(ByteBuffer.allocate(100));
                  client.write(StandardCharsets.US_ASCII.encode(reply));
                  return client.read(ByteBuffer.allocate(100)); // until it has read all
                }
              });
      Thread.ofVirtual().start(answer);
      Object[] arguments = new Object[3 + options.length];
      System.arraycopy(new Object[] {"status", "--socket", socket}, 0, arguments, 0, 3);
      System.arraycopy(options, 0, arguments, 3, options.length);
      return new CommandLineProcess().run(arguments);
    } finally {
      Files.deleteIfExists(socket);
    }
  }

  private static void assertIsPlain(String text) {
    assertTrue(text.chars().allMatch(c -> c == '\n' || (c >= ' ' && c < 0x7f)), text);
  }

  @Test
  void whatAHelperSaysDoesNothingToTheTerminal() throws Exception {
    CommandLineProcess.Result status = ask(STATUS);
    assertEquals(0, status.exit(), status.err());
    // A state that nobody has heard of is none that is fine.
    assertTrue(status.out().contains("\nstate failing\nreason ?2J?state fine\n"), status.out());
    assertIsPlain(status.out());
  }

  @Test
  void neitherDoesItsJson() throws Exception {
    assertIsPlain(ask(STATUS, "--json").out());
  }

  @Test
  void neitherDoesItsRefusal() throws Exception {
    CommandLineProcess.Result status = ask(ERROR);
    assertEquals(1, status.exit());
    assertIsPlain(status.err());
  }
}
