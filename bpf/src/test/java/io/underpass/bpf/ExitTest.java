/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.bpf;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.underpass.protocol.FlowView;
import io.underpass.testing.KernelTest;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * A JVM ends while it has bytes that nobody has read: TCP tells the other end by a reset, and does
 * not know of those that were redirected.
 */
@KernelTest
@Timeout(value = 60, unit = TimeUnit.SECONDS)
class ExitTest {
  private static final Path AGENT =
      Path.of(System.getProperty("underpass.root", "."), "javaagent/target/underpass.jar");

  private static final int MESSAGE = 100;
  private static final int UNREAD = 1000;
  private static final int ROUNDS = 30;
  private static final String RESET = "IOException: Connection reset";

  /** How the JVM ends. */
  enum Way {
    EXIT,
    /** Its last thread does. */
    RETURN,
    /** SIGTERM. */
    TERMINATED
  }

  @ParameterizedTest
  @EnumSource
  void theOtherEndOfWhoEndsWithBytesUnreadSeesAReset(Way way) throws Exception {
    assertEquals(RESET, end(false, way.name(), way == Way.TERMINATED), "plain TCP");
    assertEquals(RESET, end(true, way.name(), way == Way.TERMINATED));
  }

  @Test
  void whatAShutdownHookReadsIsNotThrownAway() throws Exception {
    assertEquals("bye, and the end", end(false, Leaver.HOOK, false), "plain TCP");
    assertEquals("bye, and the end", end(true, Leaver.HOOK, false));
  }

  /** What the other end sees after the JVM has ended. */
  private static String end(boolean accelerated, String word, boolean kill) throws Exception {
    if (!accelerated) {
      return end(null, List.of(), word, kill);
    }
    try (Testbed bed = new Testbed(true)) {
      String agent = "-javaagent:" + AGENT + "=join=now,socket=" + bed.helper.socket();
      return end(bed, List.of(agent), word, kill);
    }
  }

  private static String end(Testbed bed, List<String> options, String word, boolean kill)
      throws Exception {
    Process leaver = Testbed.java(Leaver.class, List.of(), options, word);
    try {
      int port = Integer.parseInt(leaver.inputReader().readLine());
      try (SocketChannel channel =
          SocketChannel.open(new InetSocketAddress(InetAddress.getLoopbackAddress(), port))) {
        if (bed != null) {
          Joining.join(channel);
          accelerate(bed, channel);
        }
        exchange(channel, (byte) 1);
        leaveUnread(bed, channel);
        if (kill) {
          leaver.destroy();
        } else {
          leaver.outputWriter().write("go\n");
          leaver.outputWriter().flush();
        }
        leaver.waitFor();
        return rest(channel);
      }
    } finally {
      leaver.destroyForcibly().waitFor();
    }
  }

  private static void accelerate(Testbed bed, SocketChannel channel) throws Exception {
    bed.await(channel, FlowView::accelerated);
    for (int i = 0; i < ROUNDS; i++) {
      exchange(channel, (byte) 0);
    }
    bed.await(channel, flow -> flow.tx().redirectedMessages() > 0);
  }

  private static void leaveUnread(Testbed bed, SocketChannel channel) throws Exception {
    long before = bed == null ? 0 : bed.flowOf(channel).tx().redirectedBytes();
    channel.write(ByteBuffer.allocate(UNREAD));
    if (bed != null) {
      assertEquals(before + UNREAD, bed.flowOf(channel).tx().redirectedBytes());
    }
  }

  private static void exchange(SocketChannel channel, byte first) throws IOException {
    channel.write(ByteBuffer.allocate(MESSAGE).put(0, first));
    ByteBuffer answer = ByteBuffer.allocate(MESSAGE);
    while (answer.hasRemaining() && channel.read(answer) >= 0) {}
  }

  private static String rest(SocketChannel channel) {
    ByteBuffer rest = ByteBuffer.allocate(MESSAGE);
    try {
      while (channel.read(rest) >= 0) {}
      return new String(rest.array(), 0, rest.position(), US_ASCII) + ", and the end";
    } catch (IOException e) {
      return "IOException: " + e.getMessage();
    }
  }

  /** Answers until it is told to leave, with what it has not read. */
  static final class Leaver {
    static final String HOOK = "HOOK";

    private Leaver() {}

    public static void main(String[] args) throws Exception {
      ServerSocket listener = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
      System.out.println(listener.getLocalPort());
      Socket socket = listener.accept();
      if (args[0].equals(HOOK)) {
        Runtime.getRuntime().addShutdownHook(new Thread(() -> readAndAnswer(socket)));
      }
      InputStream in = socket.getInputStream();
      OutputStream out = socket.getOutputStream();
      byte[] message;
      do {
        message = in.readNBytes(MESSAGE);
        out.write(message);
      } while (message[0] == 0);
      new BufferedReader(new InputStreamReader(System.in, US_ASCII)).readLine();
      if (!args[0].equals(Way.RETURN.name())) {
        System.exit(0);
      }
    }

    private static void readAndAnswer(Socket socket) {
      try {
        byte[] all = socket.getInputStream().readNBytes(UNREAD);
        if (Arrays.equals(all, new byte[UNREAD])) {
          socket.getOutputStream().write("bye".getBytes(US_ASCII));
        }
      } catch (IOException e) {
        System.err.println("the hook could not read: " + e);
      }
    }
  }
}
