/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.agent;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.underpass.protocol.FlowView;
import io.underpass.protocol.HelperClient;
import io.underpass.service.HelperConfig;
import io.underpass.testing.HelperProcess;
import io.underpass.testing.KernelTest;
import io.underpass.testing.Pinning;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Two JVMs of the oldest and of the newest JDK talk to each other by both kinds of blocking
 * sockets, with a helper of its own: they are accelerated, and what differs from plain TCP is
 * repaired.
 */
@KernelTest
@Timeout(120)
class JavaIT {
  private static final int QUEUED = 1000;

  @TempDir Path folder;

  static List<Arguments> pairs() {
    Jdk newest = Jdk.current();
    Jdk oldest = Jdk.oldest();
    return List.of(
        Arguments.of(oldest, oldest, "sockets"),
        Arguments.of(oldest, oldest, "channels"),
        Arguments.of(newest, newest, "channels"),
        Arguments.of(oldest, newest, "sockets"),
        Arguments.of(newest, oldest, "channels"));
  }

  @ParameterizedTest
  @MethodSource("pairs")
  void connectionsAreAcceleratedAndBehaveAsPlainOnes(Jdk server, Jdk client, String kind)
      throws Exception {
    List<String> plain;
    try (Dialogue dialogue = new Dialogue(null, server, client, kind)) {
      plain = transcript(dialogue, kind, () -> used(dialogue));
    }
    Path socket = folder.resolve("s");
    try (HelperProcess _ = new HelperProcess(socket, Pinning.newFolder());
        HelperClient looker =
            HelperClient.connect(HelperConfig.adminSocketOf(socket), Duration.ofSeconds(10));
        Dialogue dialogue = new Dialogue(Child.agent(Child.socket(socket)), server, client, kind)) {
      assertEquals(plain, transcript(dialogue, kind, () -> accelerated(looker, dialogue)));
      for (Child end : List.of(dialogue.client, dialogue.server)) {
        Map<String, String> jmx = Dialogue.jmx(end);
        assertEquals("registered", jmx.get("State"));
        assertEquals("" + connections(kind), jmx.get("ConnectionsAccelerated"));
        assertEquals("[]", jmx.get("NotInstrumented"));
        assertEquals("[]", jmx.get("LastErrors"));
        String row = kind.equals("sockets") ? "kind:socket" : "kind:channel";
        assertTrue(jmx.get("Flows").contains(row), jmx::toString);
        assertEquals(List.of(), end.errors());
      }
      dialogue.assertNoErrorsInside();
    }
  }

  /** Makes a connection, and talks until both ends redirect what they send. */
  private static int accelerated(HelperClient looker, Dialogue dialogue) throws Exception {
    int connection = dialogue.connect();
    String addresses = dialogue.addresses(connection);
    FlowView before = null;
    while (true) {
      dialogue.exchange(connection, 50);
      FlowView flow =
          looker.flows(100).stream()
              .filter(f -> addresses.equals(f.local() + " " + f.remote()))
              .findFirst()
              .orElse(null);
      if (flow != null
          && flow.accelerated()
          && before != null
          && flow.tx().redirectedMessages() == before.tx().redirectedMessages() + 50
          && flow.rx().redirectedMessages() == before.rx().redirectedMessages() + 50) {
        return connection;
      }
      before = flow;
    }
  }

  /** Makes a connection, and talks a little. */
  private static int used(Dialogue dialogue) throws Exception {
    int connection = dialogue.connect();
    dialogue.exchange(connection, 50);
    return connection;
  }

  /** Those of {@link #transcript}. */
  private static int connections(String kind) {
    return kind.equals("channels") ? 4 : 3;
  }

  /** What both ends see where an accelerated socket would differ. */
  private static List<String> transcript(
      Dialogue dialogue, String kind, Callable<Integer> connecting) throws Exception {
    List<String> seen = new ArrayList<>();
    int first = connecting.call();
    tell(seen, dialogue.client, "write", first, QUEUED);
    tell(seen, dialogue.server, "available", first, 0);
    tell(seen, dialogue.server, "read", first, QUEUED);
    tell(seen, dialogue.server, "available", first, 0);
    tell(seen, dialogue.server, "inline", first, 0);
    tell(seen, dialogue.client, "write", first, QUEUED);
    tell(seen, dialogue.client, "urgent", first, 0);
    tell(seen, dialogue.client, "write", first, QUEUED);
    tell(seen, dialogue.server, "read", first, 2 * QUEUED + 1);
    for (String then : List.of("lastread", "last")) {
      int connection = connecting.call();
      closeUnread(seen, dialogue, connection);
      tell(seen, dialogue.server, then, connection, 0);
      tell(seen, dialogue.server, "last", connection, 0);
      tell(seen, dialogue.server, "lastread", connection, 0);
    }
    if (kind.equals("channels")) {
      int connection = connecting.call();
      closeUnread(seen, dialogue, connection);
      tell(seen, dialogue.server, "transfer", connection, QUEUED);
      tell(seen, dialogue.server, "transfer", connection, QUEUED);
      tell(seen, dialogue.server, "lastread", connection, 0);
    }
    return seen;
  }

  /** The client closes what it has not read, which is a reset. */
  private static void closeUnread(List<String> seen, Dialogue dialogue, int connection)
      throws Exception {
    tell(seen, dialogue.server, "write", connection, QUEUED);
    tell(seen, dialogue.client, "close", connection, 0);
  }

  private static void tell(List<String> seen, Child end, String word, int connection, int count)
      throws Exception {
    String line = word + " " + connection + " " + count;
    seen.add(line + ": " + Dialogue.say(end, line));
  }
}
