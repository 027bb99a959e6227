/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.bpf;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.underpass.Reason;
import io.underpass.ffm.ChannelCalls;
import io.underpass.ffm.Errno;
import io.underpass.protocol.FlowView;
import io.underpass.protocol.HelperClient;
import io.underpass.testing.KernelTest;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Handshakes that make a connection late, or with data on board, in a network namespace of their
 * own whose settings ask for them; and layers that are put on top of TCP.
 */
@KernelTest
@Timeout(60)
class HandshakeTest {
  private static final int TCP_DEFER_ACCEPT = 9;
  private static final int TCP_FASTOPEN_CONNECT = 30;
  private static final int TCP_ULP = 31;

  private final String namespace = "underpass-" + ProcessHandle.current().pid() + "-h";

  @BeforeEach
  void makeNamespace() throws Exception {
    run("ip", "netns", "add", namespace);
    run("ip", "-n", namespace, "link", "set", "lo", "up");
  }

  @AfterEach
  void removeNamespace() throws Exception {
    run("ip", "netns", "del", namespace);
  }

  /** The counter shows that the handshake was of that kind: else the test would prove nothing. */
  @ParameterizedTest
  @CsvSource({
    "tcp_syncookies=2, '', SyncookiesRecv",
    "tcp_fastopen=0x607, fast-open, TCPFastOpenPassive",
    "tcp_fastopen=1, defer-accept, TCPDeferAcceptDrop",
  })
  void suchAConnectionIsAcceleratedAndExact(String setting, String option, String counter)
      throws Exception {
    String[] words = setting.split("=", -1);
    inside("sh", "-c", "echo " + words[1] + " > /proc/sys/net/ipv4/" + words[0]);
    try (Testbed bed = new Testbed(false)) {
      Process talker =
          Testbed.java(
              Talker.class,
              List.of("ip", "netns", "exec", namespace),
              List.of(),
              bed.helper.socket().toString(),
              option);
      try {
        assertEquals("exact", talker.inputReader().readLine());
        List<FlowView> flows = bed.helper.flows(10);
        assertEquals(2, flows.size(), flows::toString);
        for (FlowView flow : flows) {
          assertTrue(flow.accelerated(), flow::toString);
          assertTrue(flow.tx().redirectedMessages() > 100, flow::toString);
        }
        assertTrue(counterOf(counter) > 0, () -> "no handshake was a " + counter);
      } finally {
        talker.destroyForcibly().waitFor();
      }
    }
  }

  /**
   * A layer that the kernel has, as it has kernel TLS or not: put on before the enrolment it makes
   * the flow plain, later it ends the redirecting. One that it refuses changes nothing.
   */
  @ParameterizedTest
  @ValueSource(strings = {"tls", "none-such"})
  void aLayerIsNotBypassedWhereItIsTakenAndChangesNothingWhereItIsRefused(String layer)
      throws Exception {
    try (Testbed bed = new Testbed(true);
        Testbed.Pair before = Testbed.Pair.openUnasked("127.0.0.1");
        Testbed.Pair after = Testbed.Pair.open("127.0.0.1")) {
      int answer = putOn(before, layer);
      before.join(); // it may be enrolled a moment later
      boolean taken = answer == 0 && layer.equals("tls");
      assertEquals(taken ? 0 : -Errno.ENOENT, answer, layer);
      System.out.println("the layer " + layer + (taken ? " is taken" : " is refused"));
      long redirected = redirecting(bed, after);
      assertEquals(answer, putOn(after, layer));
      EnrolmentTest.exchange(after, 50);
      EnrolmentTest.exchange(before, 50);
      FlowView late = bed.flowOf(after.client());
      long more = late.tx().redirectedMessages() - redirected;
      assertEquals(taken ? 0 : 50, more, late::toString);
      bed.await(before.client(), f -> taken ? f.reason() == Reason.ULP : f.accelerated());
    }
  }

  private static int putOn(Testbed.Pair pair, String layer) throws IOException {
    return ChannelCalls.setOption(
        ChannelCalls.descriptor(pair.client()),
        ChannelCalls.SOL_TCP,
        TCP_ULP,
        layer.getBytes(StandardCharsets.US_ASCII));
  }

  /** How many messages the client has redirected, as soon as it redirects. */
  private static long redirecting(Testbed bed, Testbed.Pair pair) throws Exception {
    bed.awaitAccelerated(pair);
    EnrolmentTest.exchange(pair, 10);
    long redirected = bed.flowOf(pair.client()).tx().redirectedMessages();
    assertTrue(redirected > 0);
    return redirected;
  }

  /** Both ends of one connection, registered, in the namespace. */
  static final class Talker {
    private static final int SIZE = 500;

    private Talker() {}

    public static void main(String[] args) throws Exception {
      HelperClient client = HelperClient.connect(Path.of(args[0]), Testbed.PATIENCE);
      client.register("on").orThrow();
      String option = args[1];
      try (ServerSocketChannel listener = ServerSocketChannel.open();
          SocketChannel one = SocketChannel.open()) {
        if (option.equals("defer-accept")) {
          set(ChannelCalls.descriptor(listener), TCP_DEFER_ACCEPT);
        }
        listener.bind(new InetSocketAddress("127.0.0.1", 0));
        if (option.equals("fast-open")) {
          set(ChannelCalls.descriptor(one), TCP_FASTOPEN_CONNECT);
        }
        one.connect(listener.getLocalAddress());
        Bytes bytes = new Bytes(9);
        byte[] block = new byte[SIZE];
        bytes.fill(block, SIZE, 0);
        Joining.join(one);
        one.write(ByteBuffer.wrap(block)); // in the SYN, or before there is a socket to accept
        try (SocketChannel two = Joining.join(listener.accept())) {
          read(two, bytes, 0);
          long position = SIZE;
          for (int i = 0; i < 2000; i++, position += SIZE) {
            bytes.fill(block, SIZE, position);
            two.write(ByteBuffer.wrap(block));
            read(one, bytes, position);
            one.write(ByteBuffer.wrap(block));
            read(two, bytes, position);
            if (i % 100 == 0) {
              Thread.sleep(5);
            }
          }
          System.out.println("exact");
          Thread.sleep(30_000); // the flows are looked at; then this process is ended
        }
      }
    }

    private static void set(int fd, int option) throws IOException {
      byte[] one = ByteBuffer.allocate(4).order(ByteOrder.nativeOrder()).putInt(1).array();
      int result = ChannelCalls.setOption(fd, ChannelCalls.SOL_TCP, option, one);
      if (result != 0) {
        throw new IOException("option " + option + ": " + Errno.name(-result));
      }
    }

    private static void read(SocketChannel from, Bytes bytes, long position) throws IOException {
      ByteBuffer got = ByteBuffer.allocate(SIZE);
      while (got.hasRemaining()) {
        if (from.read(got) < 0) {
          throw new AssertionError("end of stream at " + position);
        }
      }
      if (bytes.firstWrong(got.array(), SIZE, position) >= 0) {
        throw new AssertionError("wrong byte after " + position);
      }
    }
  }

  /** Names and values come in two lines of the same words. */
  private long counterOf(String name) throws Exception {
    Path counters = Files.createTempFile("underpass", "netstat");
    try {
      Process process =
          new ProcessBuilder("ip", "netns", "exec", namespace, "cat", "/proc/net/netstat")
              .redirectOutput(counters.toFile())
              .start();
      process.waitFor();
      List<String> lines = Files.readAllLines(counters);
      List<String> names = List.of(lines.get(0).split(" ", -1));
      return Long.parseLong(lines.get(1).split(" ", -1)[names.indexOf(name)]);
    } finally {
      Files.delete(counters);
    }
  }

  private void inside(String... command) throws Exception {
    String[] whole = new String[command.length + 4];
    System.arraycopy(new String[] {"ip", "netns", "exec", namespace}, 0, whole, 0, 4);
    System.arraycopy(command, 0, whole, 4, command.length);
    run(whole);
  }

  private static void run(String... command) throws IOException, InterruptedException {
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    if (process.waitFor() != 0) {
      throw new IOException(String.join(" ", command) + ": " + out);
    }
  }
}
