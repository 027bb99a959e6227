package io.underpass.bpf;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.underpass.Reason;
import io.underpass.ffm.BpfMap;
import io.underpass.ffm.ChannelCalls;
import io.underpass.ffm.Errno;
import io.underpass.ffm.Layouts;
import io.underpass.ffm.Layouts.Sock;
import io.underpass.protocol.FlowView;
import io.underpass.protocol.HelperClient;
import io.underpass.testing.KernelTest;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * A registered process that is root in a user namespace and a network namespace of its own, and
 * there gives a socket the sequence numbers of somebody else's connection (TCP_REPAIR): it is not
 * taken for that connection's other end.
 */
@KernelTest
@Timeout(60)
class ForgedPairTest {
  private static final int SIZE = 1000;

  /**
   * Forged after the registration, the option itself is seen; before it, only the namespace tells.
   */
  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void whoChoosesHisSequenceNumbersGetsNobodysBytes(boolean registeredFirst) throws Exception {
    Process echo = Testbed.java(EnrolmentTest.EchoServer.class);
    Process forger = null;
    try (Testbed bed = new Testbed(true)) {
      int port = Integer.parseInt(echo.inputReader().readLine());
      try (SocketChannel victim = SocketChannel.open(new InetSocketAddress("127.0.0.1", port))) {
        echo(victim, 20);
        bed.await(victim, f -> f.reason() == Reason.NO_PEER);
        Path maps = Path.of(bed.helper.status().bpffs(), "v" + Layouts.UP_ABI);
        int mine;
        int theirs;
        try (BpfMap socks = BpfMap.openPinned(maps.resolve("socks"))) {
          ByteBuffer record = socks.newValue();
          assertTrue(
              socks.lookup(socks.newKey().putInt(0, ChannelCalls.descriptor(victim)), record));
          mine = record.getInt(Sock.ISN_MINE);
          theirs = record.getInt(Sock.ISN_THEIRS);
        }
        // What a server has that accepted the victim; a client's own SYN counts as one.
        int forgedMine = theirs;
        int forgedTheirs = mine + 1;
        forger =
            Testbed.java(
                Forger.class,
                List.of("unshare", "-Urn", "sh", "-c", "ip link set lo up && exec \"$@\"", "sh"),
                List.of(
                    "--enable-native-access=ALL-UNNAMED",
                    "--add-opens=java.base/sun.nio.ch=ALL-UNNAMED"),
                bed.helper.socket().toString(),
                Boolean.toString(registeredFirst),
                Integer.toString(forgedMine),
                Integer.toString(forgedTheirs));
        assertEquals("forged", forger.inputReader().readLine());
        // A new registration makes the victim look for its other end again.
        long end = System.nanoTime() + 1_500_000_000L;
        boolean published = false;
        while (System.nanoTime() < end) {
          bed.helper.sweep();
          echo(victim, 5);
          for (FlowView flow : bed.helper.flows(10)) {
            assertFalse(flow.accelerated(), flow::toString);
          }
          published |= isPublished(maps, forgedMine, forgedTheirs);
        }
        assertEquals(!registeredFirst, published, "the forged numbers are in the table");
        bed.await(victim, f -> f.reason() == Reason.NO_PEER);
        assertEquals(0, bed.totals().bytesRedirected());
        forger.outputWriter().write("\n");
        forger.outputWriter().flush();
        assertEquals("got 0", forger.inputReader().readLine());
      }
    } finally {
      if (forger != null) {
        forger.destroyForcibly().waitFor();
      }
      echo.destroyForcibly().waitFor();
    }
  }

  /** Key of {@code halves}: struct up_isn. */
  private static boolean isPublished(Path maps, int mine, int theirs) throws IOException {
    try (BpfMap halves = BpfMap.openPinned(maps.resolve("halves"))) {
      return halves.lookup(halves.newKey().putInt(0, mine).putInt(4, theirs), halves.newValue());
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
      boolean registeredFirst = Boolean.parseBoolean(args[1]);
      try (HelperClient client = HelperClient.connect(Path.of(args[0]), Testbed.PATIENCE)) {
        if (registeredFirst) {
          client.register("on").orThrow();
        }
        try (SocketChannel socket = SocketChannel.open()) {
          int fd = ChannelCalls.descriptor(socket);
          set(fd, TCP_REPAIR, 1);
          set(fd, TCP_REPAIR_QUEUE, TCP_SEND_QUEUE);
          set(fd, TCP_QUEUE_SEQ, Integer.parseInt(args[2]));
          set(fd, TCP_REPAIR_QUEUE, TCP_RECV_QUEUE);
          set(fd, TCP_QUEUE_SEQ, Integer.parseInt(args[3]));
          socket.bind(new InetSocketAddress("127.0.0.1", 0));
          socket.connect(new InetSocketAddress("127.0.0.1", 9)); // in repair mode nobody is asked
          set(fd, TCP_REPAIR, TCP_REPAIR_OFF_NO_WP);
          if (!registeredFirst) {
            client.register("on").orThrow();
          }
          System.out.println("forged");
          int _ = System.in.read();
          socket.configureBlocking(false);
          System.out.println("got " + socket.read(ByteBuffer.allocate(SIZE)));
          int _ = System.in.read();
        }
      }
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
