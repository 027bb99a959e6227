/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.bpf;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.underpass.ffm.NetNamespace;
import io.underpass.protocol.FlowView;
import io.underpass.protocol.HelperClient;
import io.underpass.testing.KernelTest;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.Writer;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Two processes in network namespaces of their own, joined by a veth pair: they are found and
 * enrolled though neither namespace is the helper's, and though no address is configured anywhere.
 */
@KernelTest
class NamespaceTest {
  private static final String SERVER = "10.199.7.1";
  private static final String CLIENT = "10.199.7.2";
  private static final int PORT = 7007;
  private static final int EXCHANGES = 3000;

  private final String one = "underpass-" + ProcessHandle.current().pid() + "-1";
  private final String two = "underpass-" + ProcessHandle.current().pid() + "-2";

  @BeforeEach
  void makeNamespaces() throws Exception {
    Namespace.removeOrphans();
    for (String name : List.of(one, two)) {
      Namespace.run("ip", "netns", "add", name);
    }
    Namespace.run(
        "ip", "link", "add", "up0", "netns", one, "type", "veth", "peer", "up0", "netns", two);
    for (String[] end : new String[][] {{one, SERVER}, {two, CLIENT}}) {
      Namespace.run("ip", "-n", end[0], "addr", "add", end[1] + "/30", "dev", "up0");
      Namespace.run("ip", "-n", end[0], "link", "set", "up0", "up");
    }
  }

  @AfterEach
  void removeNamespaces() throws Exception {
    Namespace.run("ip", "netns", "del", one);
    Namespace.run("ip", "netns", "del", two);
  }

  @Test
  @Timeout(value = 60, unit = TimeUnit.SECONDS)
  void endsInTwoNamespacesArePairedAndAccelerated() throws Exception {
    try (Testbed bed = new Testbed(false)) {
      String socket = bed.helper.socket().toString();
      Process server =
          Testbed.java(Talker.class, List.of("ip", "netns", "exec", one), List.of(), socket);
      try {
        assertEquals("listening", server.inputReader().readLine());
        Process client =
            Testbed.java(
                Talker.class, List.of("ip", "netns", "exec", two), List.of(), socket, SERVER);
        try {
          assertEquals("done", client.inputReader().readLine());
          List<FlowView> flows = bed.helper.flows(10);
          long end = System.nanoTime() + Testbed.PATIENCE.toNanos();
          while (!areRedirected(flows)) {
            assertTrue(System.nanoTime() < end, flows::toString);
            Thread.sleep(10);
            flows = bed.helper.flows(10);
          }
        } finally {
          client.destroyForcibly().waitFor();
        }
      } finally {
        server.destroyForcibly().waitFor();
      }
    }
  }

  /**
   * As of a listener that was handed over: this JVM is elsewhere. The helper finds such namespaces
   * when it looks at the process's files.
   */
  @Test
  @Timeout(value = 60, unit = TimeUnit.SECONDS)
  void socketsInANamespaceThatNoProcessIsInAreAcceleratedAndTakenOff() throws Exception {
    try (Namespace elsewhere = new Namespace();
        Testbed bed = new Testbed(true);
        Testbed.Pair pair = openIn(elsewhere);
        HelperClient admin = HelperClient.connect(bed.helper.adminSocket(), Testbed.PATIENCE)) {
      bed.client.claim();
      bed.awaitAccelerated(pair);
      EnrolmentTest.exchange(pair, 10);
      bed.helper.sweep();
      assertEquals("", admin.status().reason());
      assertEquals(List.of(), admin.drain(5).held());
      EnrolmentTest.exchange(pair, 10);
    }
  }

  /** A pair whose sockets are in a namespace, though it has no process any more. */
  static Testbed.Pair openIn(Namespace namespace) throws Exception {
    List<String> command = new ArrayList<>(namespace.prefix());
    command.add("cat");
    Process inside = new ProcessBuilder(command).start();
    try (Writer in = inside.outputWriter();
        BufferedReader out = inside.inputReader()) {
      in.write("in\n");
      in.flush();
      assertEquals("in", out.readLine());
      try (NetNamespace there = NetNamespace.ofProcess(inside.pid())) {
        return there.run(() -> Testbed.Pair.open("127.0.0.1"));
      }
    } finally {
      inside.destroyForcibly().waitFor();
    }
  }

  private static boolean areRedirected(List<FlowView> flows) {
    return flows.size() == 2
        && flows.stream()
            .allMatch(f -> f.accelerated() && f.tx().redirectedMessages() > EXCHANGES / 10);
  }

  /** One of the two processes: without an address it listens, with one it connects. */
  static final class Talker {
    private Talker() {}

    public static void main(String[] args) throws Exception {
      HelperClient client = HelperClient.connect(Path.of(args[0]), Testbed.PATIENCE);
      client.register("on").orThrow();
      if (args.length == 1) {
        serve();
      } else {
        talk(args[1]);
      }
    }

    private static void serve() throws IOException {
      try (ServerSocketChannel listener = ServerSocketChannel.open()) {
        listener.bind(new InetSocketAddress(SERVER, PORT));
        System.out.println("listening");
        try (SocketChannel channel = Joining.join(listener.accept())) {
          ByteBuffer block = ByteBuffer.allocate(4096);
          while (channel.read(block.clear()) >= 0) {
            block.flip();
            while (block.hasRemaining()) {
              channel.write(block);
            }
          }
        }
      }
    }

    private static void talk(String address) throws Exception {
      try (SocketChannel channel =
          Joining.join(SocketChannel.open(new InetSocketAddress(address, PORT)))) {
        Bytes bytes = new Bytes(7);
        byte[] sent = new byte[1000];
        for (int i = 0; ; i++) { // until this process is ended
          bytes.fill(sent, sent.length, (long) i * sent.length);
          channel.write(ByteBuffer.wrap(sent));
          ByteBuffer got = ByteBuffer.allocate(sent.length);
          while (got.hasRemaining()) {
            channel.read(got);
          }
          if (bytes.firstWrong(got.array(), sent.length, (long) i * sent.length) >= 0) {
            throw new AssertionError("wrong byte in exchange " + i);
          }
          if (i == EXCHANGES) {
            System.out.println("done");
          }
        }
      }
    }
  }
}
