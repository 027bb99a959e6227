/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.helper;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.underpass.host.HelperException;
import io.underpass.host.PeerProcess;
import io.underpass.protocol.Drained;
import io.underpass.protocol.ErrorCode;
import io.underpass.protocol.HelperClient;
import io.underpass.protocol.HelperState;
import io.underpass.protocol.Reply;
import io.underpass.protocol.SocketOptions;
import io.underpass.protocol.Status;
import io.underpass.protocol.WireException;
import io.underpass.service.Registration;
import io.underpass.testing.KernelTest;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(60)
class ControlServerTest {
  @TempDir private Path folder;

  @Test
  void aDrainIsNotAskedOfTheSocketThatEverybodyHas() throws Exception {
    try (TestServer server = new TestServer(folder);
        HelperClient client = server.client()) {
      assertCode(ErrorCode.DENIED, () -> client.drain(5));
    }
  }

  @KernelTest
  @Test
  void aDrainIsAnsweredWhenItIsDone() throws Exception {
    try (TestServer server = new TestServer(folder);
        HelperClient client = server.admin();
        HelperClient second = server.admin()) {
      Drained drained = client.drain(5);
      assertFalse(drained.removed());
      assertEquals(1, drained.left());
      assertEquals(2, drained.groups());
      assertEquals(new Drained.Held(7, "127.0.0.1:1", "127.0.0.1:2", 5), drained.held().get(0));
      assertEquals(HelperState.RUNNING, client.status().state());
      WireException refused = assertThrows(WireException.class, () -> second.drain(5));
      assertEquals(ErrorCode.UNAVAILABLE, refused.code());
    }
  }

  @Test
  void aRegistrationLivesAsLongAsItsConnection() throws Exception {
    try (TestServer server = new TestServer(folder)) {
      try (HelperClient client = server.client()) {
        Reply reply = client.register("auto");
        assertEquals(100, reply.number("id"));
        assertEquals(SocketOptions.LEVEL, reply.number("level"));
        Registration made = server.datapath.admitted().get(100);
        assertEquals(ProcessHandle.current().pid(), made.pid());
        assertEquals(TestServer.uid(), made.uid());
        assertEquals(
            PeerProcess.parseStartTicks(Files.readString(Path.of("/proc/self/stat"))),
            made.startTicks());
        assertEquals(100, client.totals().connectionsAccelerated());
        assertEquals(2, client.flows(10).size());
        assertEquals(1, client.flows(1).size());
      }
      awaitNoRegistration(server);
      try (HelperClient client = server.client()) {
        assertEquals(101, client.register("on").number("id"), "an id is not used again");
      }
    }
  }

  @Test
  void aKilledClientsRegistrationEnds() throws Exception {
    try (TestServer server = new TestServer(folder)) {
      String register =
          "socket(S,AF_UNIX,SOCK_STREAM,0); connect(S,sockaddr_un($ARGV[0])) or die;"
              + " syswrite(S,\"REGISTER proto=1 agent=t enabled=on\\n\"); sysread(S,$x,1); <STDIN>";
      Process child =
          new ProcessBuilder("perl", "-MSocket", "-e", register, server.socket.toString()).start();
      while (server.datapath.admitted().isEmpty()) {
        Thread.sleep(5);
      }
      assertEquals(child.pid(), server.datapath.admitted().get(100).pid());
      child.destroyForcibly();
      awaitNoRegistration(server);
    }
  }

  @Test
  void whomThePolicyDoesNotAdmitIsDenied() throws Exception {
    try (TestServer server =
            new TestServer(
                folder,
                List.of("allow uid 12345", "deny uid " + TestServer.uid()),
                TestServer.DEFAULT,
                new MemoryDatapath(9, 0));
        HelperClient client = server.client()) {
      assertCode(ErrorCode.DENIED, () -> client.register("auto"));
      assertTrue(server.datapath.admitted().isEmpty());
      assertTrue(server.log.getFirst().startsWith("underpass: denied uid="), server.log::toString);
    }
  }

  @Test
  void aFullTableIsToldToTheClient() throws Exception {
    try (TestServer server =
            new TestServer(
                folder,
                List.of("allow uid " + TestServer.uid()),
                TestServer.DEFAULT,
                new MemoryDatapath(0, 0));
        HelperClient client = server.client()) {
      assertCode(ErrorCode.FULL, () -> client.register("auto"));
    }
  }

  @Test
  void aProcessRegistersOnce() throws Exception {
    try (TestServer server = new TestServer(folder);
        HelperClient first = server.client();
        HelperClient second = server.client();
        HelperClient third = server.client()) {
      first.register("auto");
      assertCode(ErrorCode.ALREADY_REGISTERED, () -> second.register("auto"));
      assertEquals(0, third.status().registrations(), "others' are not told");
      assertEquals(1, server.datapath.admitted().size(), "the first one's is untouched");
      assertCode(ErrorCode.ALREADY_REGISTERED, () -> first.register("auto"));
      awaitNoRegistration(server);
    }
  }

  @Test
  void totalsNeedARegistration() throws Exception {
    try (TestServer server = new TestServer(folder);
        HelperClient client = server.client()) {
      assertCode(ErrorCode.NOT_REGISTERED, client::totals);
    }
  }

  @Test
  void statusTellsWhereTheHelperIs() throws Exception {
    try (TestServer server = new TestServer(folder);
        HelperClient client = server.client()) {
      client.register("auto");
      Status status = client.status();
      assertEquals(HelperState.RUNNING, status.state());
      assertEquals("/pins", status.bpffs());
      assertEquals("/cgroup", status.cgroup());
      assertEquals(2, status.flows());
      assertEquals(List.of(100), status.registered().stream().map(r -> r.id()).toList());
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "HELLO\n",
        "\n",
        "register proto=1 agent=a enabled=auto\n",
        "REGISTER proto=1 agent=a enabled=auto extra=1\n",
        "REGISTER proto=1 agent=a\n",
        "REGISTER proto=1 agent=a enabled=off\n",
        "FLOWS limit=0\n",
        "FLOWS limit=1001\n",
        "FLOWS limit=1 limit=1\n",
        "STATUS \n",
        "STATUS\r\n",
        "STATUS x=%zz\n",
        "\u0000\n",
      })
  void aMalformedRequestIsToldSoAndTheConnectionCloses(String request) throws Exception {
    try (TestServer server = new TestServer(folder)) {
      Reply reply = server.send(request.getBytes(StandardCharsets.US_ASCII), false);
      assertEquals(ErrorCode.MALFORMED, reply.code());
      assertTrue(server.datapath.admitted().isEmpty());
    }
  }

  @Test
  void anotherProtocolVersionIsToldSo() throws Exception {
    try (TestServer server = new TestServer(folder)) {
      byte[] request = "REGISTER proto=2 color=blue\n".getBytes(StandardCharsets.US_ASCII);
      assertEquals(ErrorCode.PROTO, server.send(request, false).code());
    }
  }

  @Test
  void aRequestOfExactlyTheBoundIsReadAndOneByteMoreIsNot() throws Exception {
    String head = "REGISTER proto=1 enabled=on agent=";
    try (TestServer server = new TestServer(folder)) {
      String fits = head + "a".repeat(1024 - head.length() - 1) + "\n";
      assertEquals(
          ErrorCode.MALFORMED,
          server.send(fits.getBytes(StandardCharsets.US_ASCII), false).code(),
          "it was read, and its agent is too long a text");
      String longer = head + "a".repeat(1024 - head.length()) + "\n";
      assertEquals(
          ErrorCode.TOO_LONG,
          server.send(longer.getBytes(StandardCharsets.US_ASCII), false).code());
    }
  }

  @Test
  void anUnfinishedRequestEndsByTimeOut() throws Exception {
    ControlServer.Limits hasty = TestServer.limits(100, 100, Duration.ofMillis(300), 1 << 20);
    try (TestServer server =
        new TestServer(
            folder, List.of("allow uid " + TestServer.uid()), hasty, new MemoryDatapath(9, 0))) {
      Reply reply = server.send("STAT".getBytes(StandardCharsets.US_ASCII), false);
      assertEquals(ErrorCode.TIMEOUT, reply.code());
      // A client that asks nothing is not hurried.
      try (HelperClient quiet = server.client()) {
        quiet.register("auto");
        Thread.sleep(900);
        assertEquals(HelperState.RUNNING, quiet.status().state());
      }
    }
  }

  @Test
  void requestsMayComeBytewiseAndSeveralAtOnce() throws Exception {
    try (TestServer server = new TestServer(folder);
        SocketChannel channel = server.raw()) {
      for (byte b : "STATUS\n".getBytes(StandardCharsets.US_ASCII)) {
        channel.write(ByteBuffer.wrap(new byte[] {b}));
      }
      channel.write(
          ByteBuffer.wrap("STATUS\nFLOWS limit=5\nSTATUS\n".getBytes(StandardCharsets.US_ASCII)));
      channel.shutdownOutput();
      String replies = TestServer.readAll(channel);
      assertEquals(4, replies.lines().filter(l -> l.equals(".")).count());
      assertEquals(4, replies.lines().filter(l -> l.startsWith("OK")).count());
    }
  }

  @Test
  void aClientThatDoesNotReadIsCutOffAndOthersAreServed() throws Exception {
    ControlServer.Limits hasty = TestServer.limits(100, 100, Duration.ofMillis(300), 64 << 20);
    try (TestServer server =
            new TestServer(
                folder,
                List.of("allow uid " + TestServer.uid()),
                hasty,
                new MemoryDatapath(9, 1000));
        SocketChannel lazy = server.raw()) {
      StringBuilder flood = new StringBuilder("REGISTER proto=1 agent=a enabled=on\n");
      flood.repeat("FLOWS limit=1000\n", 50);
      lazy.write(ByteBuffer.wrap(flood.toString().getBytes(StandardCharsets.US_ASCII)));
      try (HelperClient other = server.client()) {
        assertEquals(HelperState.RUNNING, other.status().state());
      }
      awaitNoRegistrationAfterOne(server);
      assertTrue(TestServer.readAll(lazy).startsWith("OK id=100"));
    }
  }

  @Test
  void tooManyConnectionsAreRefused() throws Exception {
    ControlServer.Limits few = TestServer.limits(40, 40, Duration.ofSeconds(20), 1 << 20);
    int bound = 20; // as many as are left for others
    try (TestServer server =
        new TestServer(
            folder, List.of("allow uid " + TestServer.uid()), few, new MemoryDatapath(9, 0))) {
      List<HelperClient> clients = new ArrayList<>();
      for (int i = 0; i < bound; i++) {
        clients.add(server.client());
        assertNotNull(clients.getLast().status());
      }
      try (SocketChannel extra = server.raw()) {
        assertEquals(ErrorCode.FULL, TestServer.parse(TestServer.readAll(extra)).code());
      }
      clients.removeLast().close();
      try (HelperClient again = awaitPlace(server)) {
        assertTrue(again.isOpen());
      }
      clients.forEach(HelperClient::close);
    }
  }

  @Test
  void theSocketIsForItsOwnerAndGroupAlone() throws Exception {
    try (TestServer server = new TestServer(folder)) {
      assertEquals(
          "rw-rw----", PosixFilePermissions.toString(Files.getPosixFilePermissions(server.socket)));
    }
    assertFalse(Files.exists(folder.resolve("helper.sock")), "closing removes it");
  }

  @Test
  void aLiveHelpersSocketIsLeftAloneAndADeadOnesReplaced() throws Exception {
    Path socket = folder.resolve("helper.sock");
    try (TestServer server = new TestServer(folder)) {
      HelperException e =
          assertThrows(HelperException.class, () -> ControlSocket.bind(socket, false).close());
      assertEquals("a helper serves " + socket + " already", e.reason());
      try (HelperClient client = server.client()) {
        assertEquals(HelperState.RUNNING, client.status().state());
      }
    }
    // A killed helper leaves the file, and nobody listens.
    try (var dead = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
      dead.bind(UnixDomainSocketAddress.of(socket));
    }
    assertTrue(Files.exists(socket));
    try (TestServer server = new TestServer(folder);
        HelperClient client = server.client()) {
      assertEquals(HelperState.RUNNING, client.status().state());
    }
  }

  @Test
  void aFileThatIsNoSocketIsNotReplaced() throws Exception {
    Path file = Files.writeString(folder.resolve("helper.sock"), "precious");
    HelperException e =
        assertThrows(HelperException.class, () -> ControlSocket.bind(file, false).close());
    assertEquals(file + " is no socket", e.reason());
    assertEquals("precious", Files.readString(file));
  }

  @Test
  void aFailureOfTheDataPathDoesNotEndTheServer() throws Exception {
    try (TestServer server = new TestServer(folder)) {
      try (HelperClient client = server.client()) {
        client.register("auto");
        server.datapath.admitted().clear(); // so that it cannot be dismissed
      }
      while (server.log.stream().noneMatch(l -> l.contains("dismiss failed"))) {
        Thread.sleep(5);
      }
      try (HelperClient client = server.client()) {
        assertEquals(HelperState.RUNNING, client.status().state());
      }
    }
  }

  /** An action of a client. */
  @FunctionalInterface
  private interface Call {
    Object run() throws IOException;
  }

  private static void assertCode(ErrorCode code, Call call) {
    assertEquals(code, assertThrows(WireException.class, call::run).code());
  }

  private static void awaitNoRegistration(TestServer server) throws InterruptedException {
    while (!server.datapath.admitted().isEmpty()) {
      Thread.sleep(5);
    }
  }

  private static void awaitNoRegistrationAfterOne(TestServer server) throws InterruptedException {
    while (server.log.stream().noneMatch(l -> l.contains("ended id=100"))) {
      Thread.sleep(5);
    }
  }

  /** The server hears of a closed connection a moment later. */
  private static HelperClient awaitPlace(TestServer server) throws Exception {
    while (true) {
      HelperClient client = server.client();
      try {
        client.status();
        return client;
      } catch (IOException e) {
        client.close();
        Thread.sleep(5);
      }
    }
  }
}
