/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.bpf;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.underpass.helper.SteeredHelper;
import io.underpass.protocol.FlowView;
import io.underpass.testing.KernelTest;
import io.underpass.testing.Pinning;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * A JVM that is older than the helper asks to be registered. Its connections may be accelerated
 * before it has the answer, and its program sees of them what it sees over plain TCP.
 */
@KernelTest
@Timeout(value = 60, unit = TimeUnit.SECONDS)
class UnansweredTest {
  private static final Path AGENT =
      Path.of(System.getProperty("underpass.root", "."), "javaagent/target/underpass.jar");

  private static final int SIZE = 100;

  @TempDir private Path folder;

  @Test
  void whatIsAcceleratedBeforeTheAnswerIsThereBehavesAsPlainTcpToo() throws Exception {
    Path socket = folder.resolve("helper.sock");
    String agent = "-javaagent:" + AGENT + "=join=now,socket=" + socket;
    Process plain = Testbed.java(Asker.class, List.of(), List.of());
    Process asker = Testbed.java(Asker.class, List.of(), List.of(agent));
    CountDownLatch answer = new CountDownLatch(1);
    try {
      assertEquals("connected", asker.inputReader().readLine());
      assertEquals("connected", plain.inputReader().readLine());
      Path pins = Pinning.newFolder();
      try (SteeredHelper helper = new SteeredHelper(socket, pins, answer)) {
        List<FlowView> flows;
        do {
          flows = helper.sweep();
        } while (flows.stream().filter(FlowView::accelerated).count() < 2 * Asker.PAIRS);
        assertTrue(helper.isRegistered(asker.pid()));
        List<String> seen = go(asker);
        assertEquals(go(plain), seen);
        long redirected =
            helper.sweep().stream().mapToLong(flow -> flow.tx().redirectedBytes()).sum();
        assertTrue(redirected >= Asker.PAIRS * SIZE, "not by TCP: " + redirected);
        answer.countDown();
        asker.destroyForcibly().waitFor(); // it has bytes unread, for which the helper would stay
      } finally {
        answer.countDown();
      }
    } finally {
      asker.destroyForcibly().waitFor();
      plain.destroyForcibly().waitFor();
    }
  }

  private static List<String> go(Process process) throws IOException {
    process.outputWriter().write("go\n");
    process.outputWriter().flush();
    List<String> seen = new ArrayList<>();
    for (String line = process.inputReader().readLine();
        line != null && !line.equals(Asker.END);
        line = process.inputReader().readLine()) {
      seen.add(line);
    }
    return seen;
  }

  /** Has three connections to itself, and tells what it sees of them. */
  static final class Asker {
    static final int PAIRS = 3;
    static final String END = "end";

    private Asker() {}

    private record Pair(Socket client, Socket server) {}

    public static void main(String[] args) throws Exception {
      List<Pair> pairs = new ArrayList<>();
      InetAddress here = InetAddress.getLoopbackAddress();
      try (ServerSocket listener = new ServerSocket(0, PAIRS, here)) {
        for (int i = 0; i < PAIRS; i++) {
          Pair pair = new Pair(new Socket(here, listener.getLocalPort()), listener.accept());
          pairs.add(pair);
          exchange(pair);
        }
      }
      System.out.println("connected");
      new BufferedReader(new InputStreamReader(System.in, US_ASCII)).readLine();
      for (Pair pair : pairs) {
        exchange(pair); // a byte by TCP each way: from here on they may be redirected
        exchange(pair);
      }
      available(pairs.get(0));
      urgent(pairs.get(1));
      closeUnread(pairs.get(2));
      System.out.println(END);
      System.in.read();
    }

    private static void exchange(Pair pair) throws IOException {
      send(pair.client, pair.server);
      send(pair.server, pair.client);
    }

    private static void send(Socket from, Socket to) throws IOException {
      from.getOutputStream().write(new byte[SIZE]);
      to.getInputStream().readNBytes(SIZE);
    }

    private static void available(Pair pair) throws IOException {
      pair.client.getOutputStream().write(new byte[SIZE]);
      System.out.println("available " + pair.server.getInputStream().available());
    }

    private static void urgent(Pair pair) throws IOException {
      pair.client.getOutputStream().write("before ".getBytes(US_ASCII));
      pair.client.sendUrgentData('!');
      pair.client.getOutputStream().write("after".getBytes(US_ASCII));
      pair.client.shutdownOutput();
      System.out.println(new String(pair.server.getInputStream().readAllBytes(), US_ASCII));
    }

    private static void closeUnread(Pair pair) throws IOException {
      pair.client.getOutputStream().write(new byte[SIZE]);
      pair.server.close();
      try {
        System.out.println("read " + pair.client.getInputStream().read());
      } catch (IOException e) {
        System.out.println("read " + e.getMessage());
      }
    }
  }
}
