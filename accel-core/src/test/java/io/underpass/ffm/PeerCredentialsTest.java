/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.ffm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PeerCredentialsTest {
  @Test
  void theKernelNamesTheProcessAtTheOtherEnd(@TempDir Path folder) throws Exception {
    UnixDomainSocketAddress address = UnixDomainSocketAddress.of(folder.resolve("s"));
    try (ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
      server.bind(address);
      try (SocketChannel client = SocketChannel.open(address);
          SocketChannel accepted = server.accept();
          PeerCredentials peer = PeerCredentials.of(accepted)) {
        assertTrue(client.isConnected());
        assertEquals(ProcessHandle.current().pid(), peer.pid());
        assertEquals((int) Files.getAttribute(Path.of("/proc/self"), "unix:uid"), peer.uid());
        assertEquals((int) Files.getAttribute(Path.of("/proc/self"), "unix:gid"), peer.gid());
        assertFalse(peer.exited());
      }
    }
  }

  @Test
  void aProcessThatHasEndedIsKnownToHave(@TempDir Path folder) throws Exception {
    Path socket = folder.resolve("s");
    try (ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
      server.bind(UnixDomainSocketAddress.of(socket));
      String connect =
          "socket(S,AF_UNIX,SOCK_STREAM,0); connect(S,sockaddr_un($ARGV[0])) or die; <STDIN>";
      Process child =
          new ProcessBuilder("perl", "-MSocket", "-e", connect, socket.toString()).start();
      try (SocketChannel accepted = server.accept();
          PeerCredentials peer = PeerCredentials.of(accepted)) {
        assertEquals(child.pid(), peer.pid());
        assumeTrue(peer.pidfd() >= 0, "the kernel has no SO_PEERPIDFD");
        assertFalse(peer.exited());
        child.getOutputStream().close();
        child.waitFor();
        assertTrue(peer.exited());
      }
    }
  }
}
