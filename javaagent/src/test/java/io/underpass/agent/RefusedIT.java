/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.agent;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.underpass.accel.Tuning.Fault;
import io.underpass.helper.FaultyHelper;
import io.underpass.helper.Helper;
import io.underpass.protocol.FlowView;
import io.underpass.protocol.Probe;
import io.underpass.testing.HelperProcess;
import io.underpass.testing.KernelTest;
import io.underpass.testing.Pinning;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * A kernel that the helper's probe finds unfit, as everybody sees it: the agent's JVM, its
 * programs, and the administrator.
 */
@KernelTest
@Timeout(120)
class RefusedIT {
  private static final String ELSEWHERE = "run another kernel";

  @TempDir Path folder;

  @Test
  void aRefusedKernelIsToldWithItsReasonAndTheProgramRunsPlainAndExactly() throws Exception {
    try (Helper helper = FaultyHelper.start(folder.resolve("s"), Pinning.newFolder(), Fault.ORDER);
        Dialogue dialogue = new Dialogue(helper.socket())) {
      Probe order = probe(helper, "order");
      assertEquals(Probe.Outcome.FAILED, order.outcome());
      assertTrue(order.detail().contains("is another one"), order::toString);
      String reason = "the kernel failed the probe of order: " + order.detail();
      int connection = dialogue.connect();
      dialogue.exchange(connection, 1000);

      String status = underpass(0, "status", helper);
      assertHas(status, "state refused", "reason " + reason, "probe " + order, "probe selector ok");
      assertHas(
          underpass(0, "status", helper, "--json"),
          "\"state\" : \"refused\"",
          "\"reason\" : \"" + reason + "\"",
          "\"name\" : \"order\", \"outcome\" : \"failed\", \"detail\" : \""
              + order.detail()
              + "\"");
      String standing = "is refused: " + reason;
      assertHas(
          underpass(1, "doctor", helper),
          standing + " -> " + ELSEWHERE,
          "FAIL probe order: " + order.verdict() + " -> " + ELSEWHERE,
          "OK probe selector: ok");
      assertHas(
          underpass(1, "doctor", helper, "--json"),
          "\"name\" : \"helper\", \"result\" : \"FAIL\"",
          standing + "\", \"remedy\" : \"" + ELSEWHERE + "\"",
          finding("probe order", "FAIL", order.verdict(), ELSEWHERE));

      for (Child end : List.of(dialogue.client, dialogue.server)) {
        Map<String, String> jmx = Dialogue.jmx(end);
        assertEquals("refused", jmx.get("State"));
        assertEquals(reason, jmx.get("Reason"));
        assertTrue(jmx.get("Remedy").startsWith(ELSEWHERE), jmx::toString);
        assertHas(jmx.get("Probes"), "{key:order value:" + order.verdict() + "}");
        assertEquals("0", jmx.get("ConnectionsAccelerated"));
        assertEquals("0", jmx.get("BytesRedirected"));
        assertHas(jmx.get("Flows"), "state:plain", "reason:paused", "kind:socket");
      }
      for (FlowView flow : helper.flows(10)) {
        assertEquals(100_000, flow.tcpBytesReceived(), flow::toString);
      }
      dialogue.assertNoErrorsInside();
    }
  }

  /** The agent answers for both queues itself, so its JVMs do not need the kernel's own count. */
  @Test
  void aKernelThatMiscountsIsNamedAndRegisteredProgramsAreAccelerated() throws Exception {
    try (Helper helper =
            FaultyHelper.start(folder.resolve("s"), Pinning.newFolder(), Fault.FIONREAD);
        Dialogue dialogue = new Dialogue(helper.socket())) {
      Probe fionread = probe(helper, "fionread");
      assertEquals(Probe.Outcome.OFF, fionread.outcome());
      assertHas(fionread.detail(), "it counts 0", "what asks the kernel itself is told so");
      int connection = dialogue.connect();
      while (helper.flows(10).stream().filter(FlowView::accelerated).count() < 2) {
        dialogue.exchange(connection, 50);
      }
      dialogue.exchange(connection, 100);

      assertHas(underpass(0, "status", helper), "state running", "probe " + fionread);
      assertHas(
          underpass(0, "status", helper, "--json"),
          "\"state\" : \"running\"",
          "\"name\" : \"fionread\", \"outcome\" : \"off\"");
      String none = "none needed: the agent does without";
      assertHas(
          underpass(0, "doctor", helper),
          "is running",
          "WARN probe fionread: " + fionread.verdict() + " -> " + none);
      assertHas(
          underpass(0, "doctor", helper, "--json"),
          finding("probe fionread", "WARN", fionread.verdict(), none));

      assertEquals("written", Dialogue.say(dialogue.client, "write " + connection + " 1000"));
      assertEquals("1000", Dialogue.say(dialogue.server, "available " + connection));
      for (Child end : List.of(dialogue.client, dialogue.server)) {
        Map<String, String> jmx = Dialogue.jmx(end);
        assertEquals("registered", jmx.get("State"));
        assertEquals("", jmx.get("Reason"));
        assertHas(jmx.get("Probes"), "{key:fionread value:" + fionread.verdict() + "}");
        assertEquals("1", jmx.get("ConnectionsAccelerated"));
        assertHas(jmx.get("Flows"), "state:accelerated");
      }
      dialogue.assertNoErrorsInside();
    }
  }

  private static Probe probe(Helper helper, String name) {
    return helper.status().probes().stream()
        .filter(probe -> probe.name().equals(name))
        .findFirst()
        .orElseThrow();
  }

  private static String finding(String name, String result, String reason, String remedy) {
    return "{ \"name\" : \"%s\", \"result\" : \"%s\", \"reason\" : \"%s\", \"remedy\" : \"%s\" }"
        .formatted(name, result, reason, remedy);
  }

  /** What a command prints, with each run of white space as one blank. */
  private static String underpass(int exit, String command, Helper helper, String... more)
      throws Exception {
    Object[] arguments = new Object[3 + more.length];
    System.arraycopy(new Object[] {command, "--socket", helper.socket()}, 0, arguments, 0, 3);
    System.arraycopy(more, 0, arguments, 3, more.length);
    HelperProcess.Result result = HelperProcess.underpass(arguments);
    assertEquals(exit, result.exit(), result::out);
    return result.out().replaceAll("\\s+", " ");
  }

  private static void assertHas(String text, String... parts) {
    for (String part : parts) {
      assertTrue(text.contains(part), () -> part + " is not in " + text);
    }
  }
}
