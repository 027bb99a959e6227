/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.bpf;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.underpass.accel.Tuning;
import io.underpass.datapath.KernelDatapath;
import io.underpass.ffm.BpfMap;
import io.underpass.ffm.ChannelCalls;
import io.underpass.ffm.Errno;
import io.underpass.host.PeerProcess;
import io.underpass.protocol.SocketOptions;
import io.underpass.protocol.WireException;
import io.underpass.service.Datapath;
import io.underpass.service.Registration;
import io.underpass.testing.KernelTest;
import io.underpass.testing.Pinning;
import io.underpass.testing.TestCgroup;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What is claimed for a process, and what is not. */
@KernelTest
@Timeout(60)
class ClaimsTest {
  private static final byte[] ONE = {1, 0, 0, 0}; // an int; both machines are little-endian

  private final Path pins = Pinning.newFolder();
  private final List<String> trouble = new ArrayList<>();

  @AfterEach
  void nothingWentWrong() throws IOException {
    Files.deleteIfExists(pins);
    assertEquals(List.of(), trouble);
  }

  /** What others accept from it would begin with a record of ours. */
  @Test
  void aListenerCannotBeJoined() throws Exception {
    try (KernelDatapath datapath = datapath();
        ServerSocketChannel listener = ServerSocketChannel.open()) {
      datapath.admit(self(0));
      listener.bind(new InetSocketAddress("127.0.0.1", 0));
      int fd = ChannelCalls.descriptor(listener);
      assertEquals(
          -Errno.ENOPROTOOPT,
          ChannelCalls.setOption(fd, SocketOptions.LEVEL, SocketOptions.ACCELERATE, ONE));
      try (SocketChannel client = SocketChannel.open(listener.getLocalAddress());
          SocketChannel accepted = listener.accept();
          BpfMap socks = HalfPairTest.map(pins, "socks")) {
        assertFalse(hasRecord(socks, ChannelCalls.descriptor(listener)));
        assertFalse(hasRecord(socks, ChannelCalls.descriptor(accepted)));
        Joining.join(client);
        assertTrue(hasRecord(socks, ChannelCalls.descriptor(client)), "a connection has one");
      }
    }
  }

  /** Its process is another user's than the one that connected. */
  @Test
  void anAdmissionThatFailsLeavesNothing() throws Exception {
    try (KernelDatapath datapath = datapath();
        Testbed.Pair _ = Testbed.Pair.open("127.0.0.1")) {
      assertThrows(WireException.class, () -> datapath.admit(self(12_345)));
      datapath.sweep();
      assertEquals(0, datapath.flows(Datapath.ALL, 10).total());
      for (String name : List.of("jvms", "halves", "members")) {
        try (BpfMap map = HalfPairTest.map(pins, name)) {
          assertFalse(map.nextKey(null, map.newKey()), name);
        }
      }
      datapath.admit(self(0));
      datapath.sweep();
      assertEquals(2, datapath.flows(Datapath.ALL, 10).total(), "the next one has them");
    }
  }

  private KernelDatapath datapath() throws IOException {
    return new KernelDatapath(pins, TestCgroup.mount(), Tuning.DEFAULT, trouble::add);
  }

  private static boolean hasRecord(BpfMap socks, int fd) throws IOException {
    return socks.lookup(socks.newKey().putInt(0, fd), socks.newValue());
  }

  private static Registration self(int uid) {
    int pid = (int) ProcessHandle.current().pid();
    return new Registration(7 + uid, pid, PeerProcess.startTicksOf(pid), uid);
  }
}
