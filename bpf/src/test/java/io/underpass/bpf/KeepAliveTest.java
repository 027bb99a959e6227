/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.bpf;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.underpass.Reason;
import io.underpass.accel.Tuning;
import io.underpass.helper.TunedHelper;
import io.underpass.protocol.FlowView;
import io.underpass.protocol.HelperClient;
import io.underpass.testing.KernelTest;
import io.underpass.testing.Pinning;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * A router that translates addresses forgets a connection of which it sees no packet, and what is
 * redirected it does not see. So a direction that is used sends a message by TCP now and then.
 */
@KernelTest
@Timeout(60)
class KeepAliveTest {
  /** What the router remembers, seconds; and how often it is to see a message. */
  private static final int FORGOTTEN = 4;

  private static final long OFTEN = 1_000_000_000;

  /** More than a flow of the test lasts. */
  private static final long NEVER = 1L << 50;

  private static final long TALK = FORGOTTEN * 1_500_000_000L;
  private static final long PAUSE_MILLIS = 5;

  /** By which a message that went by TCP is acknowledged, however late TCP does that (40 ms). */
  private static final long LONG_PAUSE_MILLIS = 60;

  @TempDir Path folder;

  /** Which end sends. */
  enum Sender {
    BOTH,
    CLIENT,
    SERVER
  }

  @BeforeEach
  void removeOrphans() throws Exception {
    Namespace.removeOrphans();
  }

  @ParameterizedTest
  @EnumSource
  void whatTheRouterTranslatesOutlastsItsTimeOut(Sender sender) throws Exception {
    try (TranslatedBed bed = new TranslatedBed(FORGOTTEN);
        Flow flow = new Flow(bed.connect(), keepingAlive(OFTEN))) {
      flow.talk(sender, TALK);
      flow.helper.pause(true);
      // The end that the router would not know any more first: the other one's packets it learns
      // from.
      EnrolmentTest.send(flow.pair.server(), flow.pair.client(), 1000);
      EnrolmentTest.exchange(flow.pair, 3);
    }
  }

  /** Without, the router knows nothing of the connection, and resets it: the bed is a true one. */
  @Test
  void withoutAMessageByTcpTheRouterForgetsTheFlow() throws Exception {
    try (TranslatedBed bed = new TranslatedBed(FORGOTTEN);
        Flow flow = new Flow(bed.connect(), keepingAlive(NEVER))) {
      flow.talk(Sender.BOTH, TALK);
      flow.helper.pause(true);
      flow.pair.server().write(ByteBuffer.allocate(1));
      assertThrows(IOException.class, () -> flow.pair.server().read(ByteBuffer.allocate(1)));
    }
  }

  /** Messages that pass for that reason say nothing of how well the flow does. */
  @Test
  void aFlowOfWhichMuchPassesForThatIsNotTakenForOneThatIsBehind() throws Exception {
    Tuning tuning =
        Tuning.DEFAULT
            .withKnob("min_segments", 1)
            .withKnob("judge_messages", 3)
            .withKnob("judge_messages_max", 3)
            .withKnob("judge_mask", 0)
            .withKnob("judge_without_room_ns", 0)
            .withKnob("keep_alive_ns", 0);
    Testbed.Pair loopback = Testbed.Pair.open("127.0.0.1");
    EnrolmentTest.exchange(loopback, 3);
    try (Flow flow = new Flow(loopback, tuning)) {
      for (int i = 0; i < 40; i++) {
        EnrolmentTest.exchange(flow.pair, 1);
        Thread.sleep(LONG_PAUSE_MILLIS);
      }
      FlowView view = flow.view();
      assertTrue(view.accelerated(), view::toString);
      assertEquals(Reason.NONE, view.reason());
      assertTrue(view.tx().passedMessages() > 15, view::toString);
      assertTrue(view.tx().redirectedMessages() > 10, view::toString);
    }
  }

  private static Tuning keepingAlive(long nanos) {
    return Tuning.DEFAULT.withTakeEvery(true).withKnob("keep_alive_ns", nanos);
  }

  /** A connection of this process that is accelerated, and a helper of its own. */
  private final class Flow implements AutoCloseable {
    final Testbed.Pair pair;
    final TunedHelper helper;
    private final HelperClient client;

    Flow(Testbed.Pair pair, Tuning tuning) throws Exception {
      this.pair = pair;
      Path socket = folder.resolve("helper.sock");
      helper = new TunedHelper(socket, Pinning.newFolder(), tuning);
      client = HelperClient.connect(socket, Testbed.PATIENCE);
      client.register("on").orThrow(); // which finds both ends, wherever they are
      Testbed.await(client, helper::sweep, pair.client(), FlowView::accelerated);
      Testbed.await(client, helper::sweep, pair.server(), FlowView::accelerated);
      EnrolmentTest.exchange(pair, 3);
    }

    FlowView view() throws Exception {
      return Testbed.await(client, helper::sweep, pair.client(), flow -> true);
    }

    /** Nearly all of it redirected, and none for a second at an end. */
    void talk(Sender sender, long nanos) throws Exception {
      FlowView before = view();
      long messages = 0;
      for (long end = System.nanoTime() + nanos; System.nanoTime() < end; messages++) {
        if (sender != Sender.SERVER) {
          EnrolmentTest.send(pair.client(), pair.server(), 1000);
        }
        if (sender != Sender.CLIENT) {
          EnrolmentTest.send(pair.server(), pair.client(), 1000);
        }
        Thread.sleep(PAUSE_MILLIS);
      }
      FlowView after = view();
      FlowView.Counters sent = sender == Sender.SERVER ? after.rx() : after.tx();
      FlowView.Counters had = sender == Sender.SERVER ? before.rx() : before.tx();
      long redirected = sent.redirectedMessages() - had.redirectedMessages();
      assertTrue(redirected > messages * 3 / 4, redirected + " of " + messages);
    }

    @Override
    public void close() throws IOException {
      try (pair;
          helper;
          client) {
        // In this order: the last first.
      }
    }
  }
}
