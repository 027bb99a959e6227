/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.bpf;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.underpass.Reason;
import io.underpass.datapath.KernelSource;
import io.underpass.helper.Helper;
import io.underpass.policy.Rules;
import io.underpass.policy.Rules.Decision;
import io.underpass.policy.Rules.Rule;
import io.underpass.protocol.FlowView;
import io.underpass.service.HelperConfig;
import io.underpass.testing.KernelTest;
import io.underpass.testing.Pinning;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What the administrator's rules say by port stands above what the traffic says. */
@KernelTest
class RulesTest {
  private static final Rule ALL_PLAIN = new Rule(Decision.PLAIN, 1, 65_535);
  private static final Rule ALL_REDIRECT = new Rule(Decision.REDIRECT, 1, 65_535);

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void aPlainRuleKeepsRequestsAndResponsesPlain(boolean byServersPort) throws Exception {
    try (Testbed.Pair named = Testbed.Pair.open("127.0.0.1");
        Testbed.Pair other = Testbed.Pair.open("::1");
        Testbed bed = bed(rule(Decision.PLAIN, byServersPort ? named.server() : named.client()))) {
      EnrolmentTest.exchange(named, 50);
      EnrolmentTest.exchange(other, 50);
      bed.awaitAccelerated(other);
      awaitPlainByRule(bed, named);
      EnrolmentTest.exchange(named, 500);
      bed.helper.sweep();
      FlowView flow = awaitPlainByRule(bed, named);
      assertEquals(0, flow.tx().redirectedMessages(), flow::toString);
      assertEquals(0, flow.tx().passedMessages(), "it was never enrolled");
      assertEquals(2, bed.totals().plain().get(Reason.RULE)); // each end counts itself
    }
  }

  @Test
  void aRedirectRuleTakesAndKeepsAStreamOfSmallWrites() throws Exception {
    try (Testbed.Pair pair = Testbed.Pair.open("127.0.0.1");
        Testbed bed = bed(rule(Decision.REDIRECT, pair.server()))) {
      pair.client().setOption(StandardSocketOptions.TCP_NODELAY, true);
      bed.awaitAccelerated(pair); // before there is any traffic to judge by
      int messages = 10_000; // without the rule such a stream is taken off after hundreds
      for (int sent = 0; sent < messages; sent += 200) {
        for (int i = 0; i < 200; i++) {
          EnrolmentTest.send(pair.client(), pair.server(), 100);
        }
        bed.helper.sweep();
        assertTrue(bed.flowOf(pair.client()).accelerated(), () -> "after " + bed.helper.flows(9));
      }
      FlowView flow = bed.flowOf(pair.client());
      assertEquals(Reason.RULE, flow.reason());
      assertTrue(flow.tx().redirectedMessages() > messages - 10, flow::toString);
    }
  }

  /** The same traffic on both connections: each reader is always a message behind. */
  @Test
  void aRedirectRuleKeepsAFlowThatIsTakenOffBehindItsReader() throws Exception {
    try (Testbed.Pair named = Testbed.Pair.open("127.0.0.1");
        Testbed.Pair other = Testbed.Pair.open("127.0.0.1");
        Testbed bed = bed(rule(Decision.REDIRECT, named.server()))) {
      bed.awaitAccelerated(named);
      Lagging kept = new Lagging(named);
      Lagging left = new Lagging(other);
      long end = System.nanoTime() + Testbed.PATIENCE.toNanos();
      do {
        assertTrue(System.nanoTime() < end, () -> "is not taken off: " + bed.helper.flows(9));
        kept.exchange(50);
        left.exchange(50);
        bed.helper.sweep();
      } while (!isOff(bed.flowOf(other.client()), Reason.BEHIND)
          || !isOff(bed.flowOf(other.server()), Reason.BEHIND));
      assertEquals(2, bed.totals().plain().get(Reason.BEHIND)); // each end counts itself

      kept.exchange(1_000); // what the other one was judged by, some times over
      bed.helper.sweep();
      for (SocketChannel one : List.of(named.client(), named.server())) {
        FlowView flow = bed.flowOf(one);
        assertTrue(flow.accelerated(), flow::toString);
        assertEquals(Reason.RULE, flow.reason());
        assertTrue(flow.tx().passedMessages() > 1_000, "it is behind no less: " + flow);
      }
      kept.catchUp();
      left.catchUp();
      EnrolmentTest.exchange(named, 2);
      FlowView before = bed.flowOf(named.client());
      EnrolmentTest.exchange(named, 50);
      FlowView after = bed.flowOf(named.client());
      assertEquals(
          50, after.tx().redirectedMessages() - before.tx().redirectedMessages(), after::toString);
    }
  }

  @Test
  void theFirstRuleThatNamesAPortCounts() throws Exception {
    try (Testbed.Pair auto = Testbed.Pair.open("127.0.0.1");
        Testbed.Pair plain = Testbed.Pair.open("127.0.0.1");
        Testbed.Pair redirect = Testbed.Pair.open("127.0.0.1");
        Testbed bed =
            bed(
                rule(Decision.AUTO, auto.server()),
                rule(Decision.PLAIN, plain.client()),
                rule(Decision.REDIRECT, plain.server()),
                ALL_REDIRECT,
                ALL_PLAIN)) {
      bed.awaitAccelerated(redirect);
      assertEquals(Reason.RULE, bed.flowOf(redirect.client()).reason());
      awaitPlainByRule(bed, plain);
      assertFalse(bed.flowOf(auto.client()).accelerated(), "it has no traffic to judge by yet");
      EnrolmentTest.exchange(auto, 50);
      bed.awaitAccelerated(auto);
      assertEquals(Reason.NONE, bed.flowOf(auto.client()).reason());
    }
  }

  @Test
  void aHelperThatAdoptsFlowsHasItsOwnRulesOnly() throws Exception {
    Path folder = Files.createTempDirectory("underpass-test");
    Path pins = Pinning.newFolder();
    Process first =
        Testbed.java(
            PlainHelper.class,
            List.of(),
            List.of(),
            folder.resolve("first.sock").toString(),
            pins.toString());
    try (Testbed.Pair named = Testbed.Pair.open("127.0.0.1");
        Testbed.Pair other = Testbed.Pair.open("127.0.0.1")) {
      assertEquals("ready", first.inputReader().readLine());
      first.destroyForcibly().waitFor();
      assertTrue(Files.exists(pins), "nothing is pinned");
      Rules own = rules(rule(Decision.REDIRECT, named.server()));
      try (Testbed second = new Testbed(c -> c.withBpffs(pins).withRules(own))) {
        second.awaitAccelerated(named);
        assertEquals(Reason.RULE, second.flowOf(named.client()).reason());
        EnrolmentTest.exchange(other, 50);
        second.awaitAccelerated(other); // the first one's second rule said plain
        assertEquals(Reason.NONE, second.flowOf(other.client()).reason());
      }
    } finally {
      first.destroyForcibly().waitFor();
      Pinning.remove(folder);
    }
    assertFalse(Files.exists(pins), "pins are left");
  }

  /** A helper to be killed, all of whose connections are to be plain. */
  static final class PlainHelper {
    private PlainHelper() {}

    public static void main(String[] args) throws Exception {
      try (Helper helper =
          Helper.start(
              HelperConfig.defaults()
                  .withSocket(Path.of(args[0]))
                  .withBpffs(Path.of(args[1]))
                  .withRules(rules(new Rule(Decision.AUTO, 1, 1), ALL_PLAIN)),
              new KernelSource())) {
        System.out.println("ready");
        helper.awaitEnd();
      }
    }
  }

  private static Testbed bed(Rule... some) throws IOException {
    return new Testbed(config -> config.withRules(rules(some)));
  }

  private static Rules rules(Rule... some) {
    return new Rules(List.of(some));
  }

  private static Rule rule(Decision decision, SocketChannel local) throws IOException {
    int port = ((InetSocketAddress) local.getLocalAddress()).getPort();
    return new Rule(decision, port, port);
  }

  private static boolean isOff(FlowView flow, Reason reason) {
    return !flow.accelerated() && flow.reason() == reason;
  }

  private static FlowView awaitPlainByRule(Testbed bed, Testbed.Pair pair) throws Exception {
    bed.await(pair.server(), f -> f.reason() == Reason.RULE && !f.accelerated());
    return bed.await(pair.client(), f -> f.reason() == Reason.RULE && !f.accelerated());
  }
}
