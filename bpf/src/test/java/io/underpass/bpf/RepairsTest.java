/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.bpf;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.underpass.protocol.FlowView;
import io.underpass.testing.KernelTest;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Where the kernel behaves differently for an enrolled socket, the agent puts it right: a program
 * tells what it sees, once in a plain JVM and once under the agent, and both must say the same.
 */
@KernelTest
class RepairsTest {
  private static final Path AGENT =
      Path.of(System.getProperty("underpass.root", "."), "javaagent/target/underpass.jar");

  @Test
  @Timeout(value = 60, unit = TimeUnit.SECONDS)
  void aProgramSeesNoDifference() throws Exception {
    List<String> plain = run(List.of(), _ -> {});
    assertTrue(plain.size() > 15, plain::toString);
    try (Testbed bed = new Testbed(true)) {
      List<FlowView> seen = new ArrayList<>();
      List<String> accelerated =
          run(
              List.of("-javaagent:" + AGENT + "=socket=" + bed.helper.socket()),
              pid -> awaitAccelerated(bed, seen, pid));
      assertEquals(plain, accelerated);
      assertTrue(seen.size() >= 2 * Transcript.ROUNDS, seen::toString);
    }
  }

  /** What is to be done while the program waits for the word to go on. */
  private interface Pause {
    void of(long pid) throws Exception;
  }

  private static void awaitAccelerated(Testbed bed, List<FlowView> seen, long pid)
      throws Exception {
    long end = System.nanoTime() + Testbed.PATIENCE.toNanos();
    while (System.nanoTime() < end) {
      bed.helper.sweep();
      List<FlowView> flows =
          bed.helper.flows(100).stream().filter(f -> f.owner() == pid && f.accelerated()).toList();
      if (flows.size() == 2) {
        seen.addAll(flows);
        return;
      }
      Thread.sleep(5);
    }
    throw new AssertionError("not accelerated: " + bed.helper.flows(100));
  }

  private static List<String> run(List<String> options, Pause pause) throws Exception {
    Process process = Testbed.java(Transcript.class, List.of(), options);
    List<String> lines = new ArrayList<>();
    try (var out = process.inputReader();
        var in = process.outputWriter()) {
      for (String line; (line = out.readLine()) != null; ) {
        if (line.equals(Transcript.WARM)) {
          pause.of(process.pid());
          in.write("go\n");
          in.flush();
        } else {
          lines.add(line);
        }
      }
    }
    assertEquals(0, process.waitFor());
    return lines;
  }

  /** Uses sockets and tells what it sees. */
  static final class Transcript {
    static final String WARM = "warm";
    static final int ROUNDS = 6;

    private Transcript() {}

    public static void main(String[] args) throws Exception {
      try (ServerSocket listener = new ServerSocket(0, 5, InetAddress.getLoopbackAddress())) {
        available(listener);
        urgent(listener, true);
        urgent(listener, false);
        closeWithUnread(listener);
        halfClose(listener);
      }
      largeWrites();
    }

    private static void available(ServerSocket listener) throws Exception {
      try (Socket one = connect(listener);
          Socket two = listener.accept()) {
        warm(one, two);
        InputStream in = two.getInputStream();
        say("available, nothing sent: " + in.available());
        one.getOutputStream().write(new byte[1000]);
        say("available, 1000 sent: " + in.available());
        in.readNBytes(400);
        say("available, 400 read: " + in.available());
        one.getOutputStream().write(new byte[50]);
        say("available, 50 more: " + in.available());
        one.shutdownOutput();
        Thread.sleep(50);
        say("available, end of stream behind: " + in.available());
        say("read: " + in.readAllBytes().length);
        say("available at the end: " + in.available());
      }
    }

    private static void urgent(ServerSocket listener, boolean inline) throws Exception {
      try (Socket one = connect(listener);
          Socket two = listener.accept()) {
        warm(one, two);
        two.setOOBInline(inline);
        OutputStream out = one.getOutputStream();
        out.write("before".getBytes(US_ASCII));
        one.sendUrgentData('!');
        out.write("after".getBytes(US_ASCII));
        out.write("wards".getBytes(US_ASCII));
        one.shutdownOutput();
        say(
            "urgent, inline "
                + inline
                + ": "
                + new String(two.getInputStream().readAllBytes(), US_ASCII));
      }
    }

    private static void closeWithUnread(ServerSocket listener) throws Exception {
      try (Socket one = connect(listener)) {
        Socket two = listener.accept();
        warm(one, two);
        one.getOutputStream().write(new byte[100]);
        two.getInputStream().readNBytes(10);
        two.close();
        Thread.sleep(50);
        tell("read from one that closed with bytes unread", () -> one.getInputStream().read());
        // TCP has sent a reset: nothing that is written now is taken.
        for (int i = 0; i < 2; i++) {
          tell(
              "write to it",
              () -> {
                one.getOutputStream().write(1);
                return "taken";
              });
          Thread.sleep(50);
        }
      }
    }

    private interface Step {
      Object run() throws IOException;
    }

    private static void tell(String what, Step step) {
      try {
        say(what + ": " + step.run());
      } catch (IOException e) {
        say(what + ": " + e.getMessage());
      }
    }

    private static void halfClose(ServerSocket listener) throws Exception {
      try (Socket one = connect(listener);
          Socket two = listener.accept()) {
        warm(one, two);
        one.getOutputStream().write(new byte[10]);
        one.shutdownOutput();
        try {
          one.getOutputStream().write(1);
          say("write after shutdownOutput: taken");
        } catch (IOException e) {
          say("write after shutdownOutput: " + e.getMessage());
        }
        say("read by the other: " + two.getInputStream().readAllBytes().length);
        two.getOutputStream().write(new byte[20]);
        two.shutdownOutput();
        say("read back: " + one.getInputStream().readAllBytes().length);
      }
    }

    /** Which the agent makes in two parts where the reader waits on another processor. */
    private static void largeWrites() throws Exception {
      try (Testbed.Pair pair = Testbed.Pair.open("127.0.0.1")) {
        SocketChannel one = pair.client();
        warm(one.socket(), pair.server().socket());
        byte[] content = new byte[300_000];
        new Random(7).nextBytes(content);
        FutureTask<Long> reader = new FutureTask<>(() -> countRight(pair.server(), content));
        Thread.ofPlatform().daemon().start(reader);
        for (int i = 0; i < 200; i++) {
          int n = one.write(ByteBuffer.wrap(content));
          if (n != content.length) {
            say("a blocking write took only " + n);
          }
          if (i % 10 == 0) {
            Thread.sleep(1); // lets the reader come to wait
          }
        }
        one.configureBlocking(false);
        long taken = 0;
        while (taken < 100L * content.length) {
          int at = (int) (taken % content.length);
          taken += one.write(ByteBuffer.wrap(content, at, content.length - at));
        }
        one.shutdownOutput();
        say("all is right: " + (reader.get() == 200L * content.length + taken));
      }
    }

    /**
     * How much comes until the end, which is to be the content again and again; -1 if it is not.
     */
    private static long countRight(SocketChannel from, byte[] content) throws IOException {
      ByteBuffer got = ByteBuffer.allocate(200_000);
      long count = 0;
      while (from.read(got.clear()) >= 0) {
        got.flip();
        while (got.hasRemaining()) {
          if (got.get() != content[(int) (count++ % content.length)]) {
            return -1;
          }
        }
      }
      return count;
    }

    private static Socket connect(ServerSocket listener) throws IOException {
      Socket socket = new Socket(listener.getInetAddress(), listener.getLocalPort());
      socket.setTcpNoDelay(true); // what is available then depends on no timer
      return socket;
    }

    /**
     * Exchanges, so that the flow shows what it is; waits for the word to go on; exchanges again.
     */
    private static void warm(Socket one, Socket two) throws IOException {
      exchange(one, two);
      say(WARM);
      int word = System.in.read();
      while (word >= 0 && word != '\n') {
        word = System.in.read();
      }
      exchange(one, two);
      say("addresses: " + one.getRemoteSocketAddress().equals(two.getLocalSocketAddress()));
    }

    private static void exchange(Socket one, Socket two) throws IOException {
      for (int i = 0; i < 20; i++) {
        one.getOutputStream().write(new byte[10]);
        two.getInputStream().readNBytes(10);
        two.getOutputStream().write(new byte[10]);
        one.getInputStream().readNBytes(10);
      }
    }

    private static void say(String line) {
      System.out.println(line);
      System.out.flush();
    }
  }
}
