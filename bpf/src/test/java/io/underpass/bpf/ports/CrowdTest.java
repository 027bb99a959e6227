/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.bpf.ports;

import static io.underpass.bpf.ports.Lines.assertMatches;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.underpass.protocol.PortView;
import io.underpass.testing.KernelTest;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Many on one port, among many that are in no group. */
@KernelTest
@Timeout(180)
class CrowdTest {
  private static final int JVMS = 20;
  private static final int LISTENERS = 200;
  private static final int PORT = 7871;

  @Test
  void twentyJvmsOnOnePortAmongTwoHundredOtherListeners() throws Exception {
    InetAddress loopback = InetAddress.getLoopbackAddress();
    List<ServerSocket> listeners = new ArrayList<>();
    try (PortsBed bed = new PortsBed("");
        ExecutorService starters = Executors.newFixedThreadPool(4)) {
      for (int i = 0; i < LISTENERS; i++) {
        listeners.add(new ServerSocket(0, 5, loopback));
      }
      listeners.add(new ServerSocket(PORT, 5, loopback));
      List<Callable<Cast>> starts = new ArrayList<>();
      for (int i = 0; i < JVMS; i++) {
        String group = "group-" + i;
        starts.add(() -> bed.member(group, "7000-9000"));
      }
      List<Cast> members = new ArrayList<>();
      for (Future<Cast> start : starters.invokeAll(starts)) {
        members.add(start.get());
      }
      for (int i = 0; i < JVMS; i++) {
        assertEquals(
            "127.0.0.1:7871", members.get(i).say("serve s" + i + " socket 127.0.0.1 7871"));
      }
      for (int i = 0; i < JVMS; i++) {
        assertMatches(
            "s" + i + " at 127.0.0.1:7871 to .*",
            members.get(i).say("connect channel 127.0.0.1 7871"));
      }
      assertEquals(JVMS, bed.ports().stream().map(PortView::real).distinct().count());
      for (ServerSocket listener : listeners) {
        try (Socket client = new Socket(loopback, listener.getLocalPort());
            Socket accepted = listener.accept()) {
          assertEquals(listener.getLocalPort(), accepted.getLocalPort());
          assertEquals(listener.getLocalPort(), client.getPort());
          assertEquals(client.getLocalPort(), accepted.getPort());
        }
      }
      // A JVM that dies leaves nothing behind.
      members.forEach(Cast::kill);
      bed.awaitNone();
    } finally {
      for (ServerSocket listener : listeners) {
        listener.close();
      }
    }
  }
}
