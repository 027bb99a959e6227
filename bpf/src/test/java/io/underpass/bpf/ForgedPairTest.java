/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.bpf;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.underpass.Reason;
import io.underpass.ffm.BpfMap;
import io.underpass.ffm.ChannelCalls;
import io.underpass.ffm.Errno;
import io.underpass.ffm.FlowLayouts.Sock;
import io.underpass.kernel.BuiltObject;
import io.underpass.protocol.FlowView;
import io.underpass.protocol.HelperClient;
import io.underpass.testing.KernelTest;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Scanner;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * A registered process that is root in a user namespace and a network namespace of its own, and
 * there gives a socket the sequence numbers of somebody else's connection (TCP_REPAIR): it is not
 * taken for that connection's other end.
 */
@KernelTest
@Timeout(60)
class ForgedPairTest {
  private static final int SIZE = 1000;

  /** When it forges. */
  enum When {
    /** No program sees the option: only the namespace tells. */
    BEFORE_THE_HELPER,
    /** The same in a namespace of the host's: only the loopback addresses tell. */
    IN_THE_HOSTS,
    /** Nor does one keep it in mind of a process that is not registered. */
    BEFORE_THE_REGISTRATION,
    AFTER_THE_REGISTRATION
  }

  @ParameterizedTest
  @EnumSource
  void whoChoosesHisSequenceNumbersGetsNobodysBytes(When when) throws Exception {
    Process echo = Testbed.java(EnrolmentTest.EchoServer.class);
    Process forger = null;
    Testbed bed = new Testbed(true);
    try {
      int port = Integer.parseInt(echo.inputReader().readLine());
      try (SocketChannel victim =
          Joining.join(SocketChannel.open(new InetSocketAddress("127.0.0.1", port)))) {
        echo(victim, 20);
        bed.await(victim, f -> f.reason() == Reason.NO_PEER);
        // What a server has that accepted the victim; a client's own SYN counts as one.
        Isn victims = Isn.of(victim, maps(bed));
        Isn forged = new Isn(victims.theirs(), victims.mine() + 1);
        boolean before = when == When.BEFORE_THE_HELPER || when == When.IN_THE_HOSTS;
        if (before) {
          bed.close();
        }
        forger =
            Testbed.java(
                Forger.class,
                List.of(
                    "unshare",
                    when == When.IN_THE_HOSTS ? "-n" : "-Urn",
                    "sh",
                    "-c",
                    "ip link set lo up && exec \"$@\"",
                    "sh"),
                List.of(),
                when.name(),
                Integer.toString(forged.mine()),
                Integer.toString(forged.theirs()));
        if (before) {
          assertEquals("forged", forger.inputReader().readLine());
          bed = new Testbed(true);
        }
        tell(forger, bed.helper.socket().toString());
        assertEquals("registered", forger.inputReader().readLine());
        // A new registration makes the victim look for its other end again.
        long end = System.nanoTime() + 1_500_000_000L;
        boolean published = false;
        while (System.nanoTime() < end) {
          bed.helper.sweep();
          echo(victim, 5);
          for (FlowView flow : bed.helper.flows(10)) {
            assertFalse(flow.accelerated(), flow::toString);
          }
          published |= forged.isPublished(maps(bed));
        }
        assertEquals(
            when != When.AFTER_THE_REGISTRATION, published, "whether the forged numbers are known");
        bed.await(victim, f -> f.reason() == Reason.NO_PEER);
        assertEquals(0, bed.totals().bytesRedirected());
        tell(forger, "");
        assertEquals("got 0", forger.inputReader().readLine());
      }
    } finally {
      bed.close();
      if (forger != null) {
        forger.destroyForcibly().waitFor();
      }
      echo.destroyForcibly().waitFor();
    }
  }

  private static void tell(Process process, String line) throws IOException {
    process.outputWriter().write(line + "\n");
    process.outputWriter().flush();
  }

  private static Path maps(Testbed bed) throws IOException {
    return BuiltObject.DATAPATH.pinFolder(Path.of(bed.helper.status().bpffs()));
  }

  /** {@code struct up_isn}. */
  private record Isn(int mine, int theirs) {
    static Isn of(SocketChannel socket, Path maps) throws IOException {
      try (BpfMap socks = BpfMap.openPinned(maps.resolve("socks"))) {
        ByteBuffer record = socks.newValue();
        assertTrue(socks.lookup(socks.newKey().putInt(0, ChannelCalls.descriptor(socket)), record));
        return new Isn(record.getInt(Sock.ISN_MINE), record.getInt(Sock.ISN_THEIRS));
      }
    }

    boolean isPublished(Path maps) throws IOException {
      try (BpfMap known = BpfMap.openPinned(maps.resolve("handshakes"))) {
        return known.lookup(known.newKey().putInt(0, mine).putInt(4, theirs), known.newValue());
      }
    }
  }

  private static void echo(SocketChannel channel, int times) throws IOException {
    for (int i = 0; i < times; i++) {
      ByteBuffer out = ByteBuffer.allocate(SIZE).put(0, (byte) i);
      channel.write(out);
      ByteBuffer in = ByteBuffer.allocate(SIZE);
      while (in.hasRemaining()) {
        assertTrue(channel.read(in) > 0, "end of stream");
      }
      assertEquals(out.flip().limit(SIZE), in.flip());
    }
  }

  /** Root in namespaces of its own. */
  static final class Forger {
    private static final int TCP_REPAIR = 19;
    private static final int TCP_REPAIR_OFF_NO_WP = -1;
    private static final int TCP_REPAIR_QUEUE = 20;
    private static final int TCP_QUEUE_SEQ = 21;
    private static final int TCP_RECV_QUEUE = 1;
    private static final int TCP_SEND_QUEUE = 2;

    private Forger() {}

    public static void main(String[] args) throws Exception {
      Scanner lines = new Scanner(System.in, StandardCharsets.US_ASCII);
      When when = When.valueOf(args[0]);
      try (SocketChannel socket = SocketChannel.open()) {
        if (when == When.BEFORE_THE_HELPER || when == When.IN_THE_HOSTS) {
          forge(socket, args);
          System.out.println("forged");
        }
        try (HelperClient client =
            HelperClient.connect(Path.of(lines.nextLine()), Testbed.PATIENCE)) {
          if (when == When.BEFORE_THE_REGISTRATION) {
            forge(socket, args);
          }
          client.register("on").orThrow();
          if (when == When.AFTER_THE_REGISTRATION) {
            forge(socket, args);
            Joining.join(socket);
          }
          System.out.println("registered");
          lines.nextLine();
          socket.configureBlocking(false);
          System.out.println("got " + socket.read(ByteBuffer.allocate(SIZE)));
          lines.nextLine();
        }
      }
    }

    private static void forge(SocketChannel socket, String[] args) throws IOException {
      int fd = ChannelCalls.descriptor(socket);
      set(fd, TCP_REPAIR, 1);
      set(fd, TCP_REPAIR_QUEUE, TCP_SEND_QUEUE);
      set(fd, TCP_QUEUE_SEQ, Integer.parseInt(args[1]));
      set(fd, TCP_REPAIR_QUEUE, TCP_RECV_QUEUE);
      set(fd, TCP_QUEUE_SEQ, Integer.parseInt(args[2]));
      socket.bind(new InetSocketAddress("127.0.0.1", 0));
      socket.connect(new InetSocketAddress("127.0.0.1", 9)); // in repair mode nobody is asked
      set(fd, TCP_REPAIR, TCP_REPAIR_OFF_NO_WP);
    }

    private static void set(int fd, int option, int value) throws IOException {
      byte[] bytes = ByteBuffer.allocate(4).order(ByteOrder.nativeOrder()).putInt(value).array();
      int result = ChannelCalls.setOption(fd, ChannelCalls.SOL_TCP, option, bytes);
      if (result != 0) {
        throw new IOException("option " + option + ": " + Errno.name(-result));
      }
    }
  }
}
