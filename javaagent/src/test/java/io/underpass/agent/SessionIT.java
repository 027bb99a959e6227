/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.agent;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.underpass.agent.child.Server;
import io.underpass.protocol.ErrorCode;
import io.underpass.protocol.Reply;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What a session with the helper leaves behind when it does not go straight. */
@Timeout(120)
class SessionIT {
  private static final String PROGRAM = Server.class.getName();

  @TempDir Path folder;

  @Test
  void aRefusedGroupLeavesNoConnectionOfItsOwn() throws Exception {
    Path socket = folder.resolve("s");
    long without;
    try (ProtocolServer _ = new ProtocolServer(socket);
        Child child = Child.start(Child.agent(Child.socket(socket)), PROGRAM)) {
      assertEquals("ready", child.line());
      awaitState(child, "registered");
      without = sockets(child);
    }
    try (Child child =
        startWithRefusedGroup(Child.agent("group=blue," + Child.socket(socket)), socket)) {
      awaitState(child, "helper-gone");
      for (int i = 0; i < 2; i++) {
        try (ProtocolServer helper = refusing(socket)) {
          awaitState(child, "registered");
          assertEquals(2, helper.registrations.size());
          assertEquals(without, sockets(child));
        }
        awaitState(child, "helper-gone");
      }
    }
  }

  private static Child startWithRefusedGroup(String agent, Path socket) throws Exception {
    try (ProtocolServer _ = refusing(socket)) {
      Child child = Child.start(agent, PROGRAM);
      assertEquals("ready", child.line());
      awaitState(child, "registered");
      assertEquals(
          List.of(
              "underpass: running without group blue, its ports are the host's: group=blue: not"
                  + " yours"),
          child.errors());
      return child;
    }
  }

  private static ProtocolServer refusing(Path socket) throws IOException {
    ProtocolServer helper = new ProtocolServer(socket);
    helper.toGroup = Reply.error(ErrorCode.DENIED, "group=blue: not yours");
    return helper;
  }

  /** A helper that was killed leaves its socket: there is nothing to connect to, nor to close. */
  @Test
  void aSocketThatNobodyListensAtIsOneLineAndTheNextHelperIsFound() throws Exception {
    Path socket = folder.resolve("s");
    try (ServerSocketChannel listener = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
      listener.bind(UnixDomainSocketAddress.of(socket));
    }
    assertTrue(Files.exists(socket));
    try (Child child = Child.start(Child.agent(Child.socket(socket)), PROGRAM)) {
      assertEquals("ready", child.line());
      assertEquals(
          List.of(
              "underpass: running plain: the helper at "
                  + socket
                  + " cannot be reached (Connection refused); start it: underpass helper"),
          child.errors());
      Files.delete(socket);
      try (ProtocolServer _ = new ProtocolServer(socket)) {
        List<String> jmx = awaitState(child, "registered");
        assertTrue(jmx.contains("SuppressedErrors=0"), jmx::toString);
        assertTrue(jmx.contains("LastErrors=[]"), jmx::toString);
      }
    }
  }

  private static List<String> awaitState(Child child, String state) throws Exception {
    while (true) {
      List<String> jmx = child.ask("jmx");
      if (jmx.contains("State=" + state)) {
        return jmx;
      }
      Thread.sleep(50);
    }
  }

  private static long sockets(Child child) throws IOException {
    try (Stream<Path> files = Files.list(Path.of("/proc", child.pid(), "fd"))) {
      return files.filter(SessionIT::isSocket).count();
    }
  }

  private static boolean isSocket(Path file) {
    try {
      return Files.readSymbolicLink(file).toString().startsWith("socket:");
    } catch (IOException e) {
      return false; // closed meanwhile
    }
  }
}
