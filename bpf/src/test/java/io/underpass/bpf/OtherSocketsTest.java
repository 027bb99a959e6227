/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.bpf;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.underpass.ffm.BpfMap;
import io.underpass.ffm.ChannelCalls;
import io.underpass.ffm.NativeException;
import io.underpass.ffm.NativeSockets;
import io.underpass.kernel.BuiltObject;
import io.underpass.protocol.SocketOptions;
import io.underpass.testing.KernelTest;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Sockets that are not TCP's, of a registered process that asks for them as for any other. */
@KernelTest
@Timeout(60)
class OtherSocketsTest {
  private static final int EPROTONOSUPPORT = 93;
  private static final int SOL_SOCKET = 1;
  private static final int SO_PROTOCOL = 38;
  private static final int TCP_REPAIR = 19;
  private static final byte[] ONE = {1, 0, 0, 0}; // an int; both machines are little-endian
  private static final byte[] ZERO = {0, 0, 0, 0};
  private static final int SIZE = 1000;

  /** Its subflows are TCP sockets, which no process holds; a sockmap must not have them either. */
  @Test
  void anMptcpSocketIsNeverEnrolled() throws Exception {
    int listener = openMptcp();
    int client = openMptcp();
    int server = -1;
    try {
      ChannelCalls.connectLoopback(client, NativeSockets.listen(listener));
      server = NativeSockets.accept(listener);
      assertEquals(
          NativeSockets.IPPROTO_MPTCP, ChannelCalls.getOption(server, SOL_SOCKET, SO_PROTOCOL));
      assertNobodyTakesUp(client, server);
    } finally {
      for (int fd : new int[] {listener, client, server}) {
        NativeSockets.close(fd);
      }
    }
  }

  private static int openMptcp() throws NativeException {
    try {
      return NativeSockets.open(NativeSockets.IPPROTO_MPTCP);
    } catch (NativeException e) {
      Assumptions.assumeFalse(e.errno() == EPROTONOSUPPORT, "the kernel has no MPTCP");
      throw e;
    }
  }

  @Test
  void aUnixSocketIsNeverEnrolled() throws Exception {
    int[] pair = NativeSockets.unixPair();
    try {
      assertNobodyTakesUp(pair[0], pair[1]);
    } finally {
      NativeSockets.close(pair[0]);
      NativeSockets.close(pair[1]);
    }
  }

  /** They are there when the process registers, ask to be taken up, and talk meanwhile. */
  private static void assertNobodyTakesUp(int client, int server) throws Exception {
    try (Testbed bed = new Testbed(true);
        BpfMap socks = BpfMap.openPinned(pinned(bed, "socks"));
        Testbed.Pair known = Testbed.Pair.open("127.0.0.1")) {
      for (int fd : new int[] {client, server}) {
        assertFalse(hasRecord(socks, fd), "the registration passes over it");
        for (int option : new int[] {SocketOptions.ACCELERATE, SocketOptions.PIN_TCP}) {
          assertTrue(ChannelCalls.setOption(fd, SocketOptions.LEVEL, option, ONE) < 0);
        }
        assertEquals(-1, ChannelCalls.getOption(fd, SocketOptions.LEVEL, SocketOptions.AVAILABLE));
        assertFalse(hasRecord(socks, fd));
      }
      bed.awaitAccelerated(known);
      assertTrue(hasRecord(socks, ChannelCalls.descriptor(known.client())));
      talk(bed, client, server);
      // That this was asked for is remembered of any socket, whose process may register later.
      int _ = ChannelCalls.setOption(client, ChannelCalls.SOL_TCP, TCP_REPAIR, ZERO);
      talk(bed, client, server);
    }
    pass(client, server);
  }

  /** Both ways, and the kernel is searched; it finds the pair that is TCP's, and no more. */
  private static void talk(Testbed bed, int client, int server) throws IOException {
    for (int i = 0; i < 20; i++) {
      pass(client, server);
      pass(server, client);
      bed.helper.sweep();
    }
    assertEquals(2, bed.helper.flows(10).size(), () -> bed.helper.flows(10).toString());
    assertEquals(2, Testbed.members(Path.of(bed.helper.status().bpffs())));
  }

  private static void pass(int from, int to) throws IOException {
    assertEquals(SIZE, ChannelCalls.write(from, SIZE));
    for (long got = 0; got < SIZE; ) {
      long more = NativeSockets.read(to, SIZE);
      assertTrue(more > 0, "the end");
      got += more;
    }
  }

  private static boolean hasRecord(BpfMap socks, int fd) throws IOException {
    ByteBuffer key = socks.newKey().putInt(0, fd);
    return socks.lookup(key, socks.newValue());
  }

  private static Path pinned(Testbed bed, String map) throws IOException {
    return BuiltObject.DATAPATH.pinFolder(Path.of(bed.helper.status().bpffs())).resolve(map);
  }
}
