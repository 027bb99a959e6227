/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.agent;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.underpass.protocol.FlowView;
import io.underpass.protocol.HelperClient;
import io.underpass.service.HelperConfig;
import io.underpass.testing.HelperProcess;
import io.underpass.testing.KernelTest;
import io.underpass.testing.Pinning;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The helper is killed under two JVMs with the agent, and another one comes. */
@KernelTest
@Timeout(120)
class HelperLossIT {
  private static final int QUEUED = 1000;

  @TempDir Path folder;

  @Test
  void jvmsGoOnWithoutTheirHelperAndRegisterWithTheNextByThemselves() throws Exception {
    Path socket = folder.resolve("s");
    Path pins = Pinning.newFolder();
    try (HelperProcess first = new HelperProcess(socket, pins);
        Dialogue dialogue = new Dialogue(socket)) {
      int old = dialogue.connect();
      int ending = dialogue.connect();
      FlowView before;
      String id;
      try (HelperClient looker = looker(socket)) {
        awaitAccelerated(looker, dialogue, old);
        awaitAccelerated(looker, dialogue, ending);
        id = Dialogue.jmx(dialogue.client).get("RegistrationId");
        before = flow(looker, dialogue, old);
      }
      first.kill();
      for (Child end : List.of(dialogue.client, dialogue.server)) {
        Map<String, String> gone = awaitState(end, "helper-gone");
        // That it went away; or, once it was looked for, that it cannot be reached.
        assertTrue(gone.get("Reason").startsWith("the helper at " + socket + " "), gone::toString);
        assertEquals("start it: underpass helper", gone.get("Remedy"));
      }

      dialogue.exchange(old, 500);
      assertAvailableCounts(dialogue, old);
      assertCloseWithUnreadBytesResets(dialogue, ending);
      int meanwhile = dialogue.connect();
      dialogue.exchange(meanwhile, 500);

      try (HelperProcess second = new HelperProcess(socket, pins);
          HelperClient looker = looker(socket)) {
        for (Child end : List.of(dialogue.client, dialogue.server)) {
          assertEquals("", awaitState(end, "registered").get("Reason"));
        }
        assertNotEquals(id, Dialogue.jmx(dialogue.client).get("RegistrationId"));
        FlowView after = flow(looker, dialogue, old);
        assertTrue(after.accelerated(), after::toString);
        assertEquals(
            before.tx().redirectedMessages() + 501, after.tx().redirectedMessages(), "all along");
        assertEquals(before.tx().passedMessages(), after.tx().passedMessages(), after::toString);
        dialogue.exchange(old, 50);
        awaitAccelerated(looker, dialogue, meanwhile);
        awaitAccelerated(looker, dialogue, dialogue.connect());
        awaitAcceleratedRows(dialogue.client, 3);
        second.stop();
      }
      HelperProcess.assertNothingLeft(pins);
      dialogue.exchange(old, 50);
      dialogue.exchange(meanwhile, 50);
      dialogue.assertNoErrorsInside();
      assertEquals(List.of(), dialogue.client.errors());
      assertEquals(List.of(), dialogue.server.errors());
    }
  }

  /** Sees the flows of both JVMs. */
  private static HelperClient looker(Path socket) throws IOException {
    return HelperClient.connect(HelperConfig.adminSocketOf(socket), Duration.ofSeconds(10));
  }

  /** What is in the psock queue, of which the kernel's own count may know nothing. */
  private static void assertAvailableCounts(Dialogue dialogue, int connection) throws Exception {
    assertEquals("written", Dialogue.say(dialogue.client, "write " + connection + " " + QUEUED));
    assertEquals("" + QUEUED, Dialogue.say(dialogue.server, "available " + connection));
    assertEquals("right", Dialogue.say(dialogue.server, "read " + connection + " " + QUEUED));
    assertEquals("0", Dialogue.say(dialogue.server, "available " + connection));
  }

  /** The end of a stream alone would let the first write after it succeed. */
  private static void assertCloseWithUnreadBytesResets(Dialogue dialogue, int connection)
      throws Exception {
    assertEquals("written", Dialogue.say(dialogue.server, "write " + connection + " " + QUEUED));
    assertEquals("closed", Dialogue.say(dialogue.client, "close " + connection));
    assertEquals("Broken pipe", Dialogue.say(dialogue.server, "last " + connection));
  }

  /** Talks until both ends redirect what they send. */
  private static void awaitAccelerated(HelperClient looker, Dialogue dialogue, int connection)
      throws Exception {
    long sent;
    FlowView flow;
    do {
      sent = redirected(looker, dialogue, connection);
      dialogue.exchange(connection, 50);
      flow = flow(looker, dialogue, connection);
    } while (flow == null
        || !flow.accelerated()
        || flow.tx().redirectedMessages() != sent + 50
        || flow.rx().redirectedMessages() < 50);
  }

  private static long redirected(HelperClient looker, Dialogue dialogue, int connection)
      throws IOException {
    FlowView flow = flow(looker, dialogue, connection);
    return flow == null ? 0 : flow.tx().redirectedMessages();
  }

  /** The client's end, or null if the helper does not know it yet. */
  private static FlowView flow(HelperClient looker, Dialogue dialogue, int connection)
      throws IOException {
    String addresses = dialogue.addresses(connection);
    return looker.flows(100).stream()
        .filter(flow -> addresses.equals(flow.local() + " " + flow.remote()))
        .findFirst()
        .orElse(null);
  }

  /** The beans' numbers may be those of a moment ago. */
  private static void awaitAcceleratedRows(Child end, int count) throws Exception {
    while (Dialogue.jmx(end).get("Flows").split("state:accelerated", -1).length - 1 != count) {
      Thread.sleep(20);
    }
  }

  private static Map<String, String> awaitState(Child end, String state) throws Exception {
    while (true) {
      Map<String, String> jmx = Dialogue.jmx(end);
      if (jmx.get("State").equals(state)) {
        return jmx;
      }
      Thread.sleep(20);
    }
  }
}
