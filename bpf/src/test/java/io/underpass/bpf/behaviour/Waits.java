/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.bpf.behaviour;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** Reads that wait: with a timeout, and for what comes at the moment of a change. */
final class Waits {
  private static final int TIMEOUT_MILLIS = 250;

  /** A timeout may be late on a busy machine, but not by so much; {@link Timeouts} measures it. */
  private static final int LATE_MILLIS = 4_000;

  private static final int PATIENT_MILLIS = 60_000;

  private Waits() {}

  static void addTo(Map<String, Program.Behaviour> all) {
    all.put("read timeout", Waits::timeout);
    all.put("read timeout over a change", Waits::timeoutOverChange);
    all.put("bytes before the timeout", Waits::inTime);
    all.put("bytes for one that reads", Waits::reading);
    all.put("bytes for both while they read", Waits::bothReading);
    all.put("bytes for one that begins to read", Waits::unreadAtChange);
    all.put("writes while the same end reads", Waits::writesAmidRead);
  }

  private static void timeout(Scene scene) throws Exception {
    try (Pair pair = scene.pair()) {
      scene.moment(pair);
      scene.say("read", timed(pair.server()));
      if (scene.api == Api.ASYNC) {
        return; // what a channel is good for after a timeout is not specified
      }
      pair.client().writeAll(new byte[3]);
      scene.say("after", pair.server().readUpTo(3).length);
      scene.say("read once more", timed(pair.server()));
      scene.check(pair);
    }
  }

  private static void timeoutOverChange(Scene scene) throws Exception {
    try (Pair pair = scene.pair()) {
      Task<String> reader = scene.start(() -> timed(pair.server())).awaitBlocked();
      scene.momentAmidCalls(pair);
      scene.say("read", reader.get());
      if (scene.api != Api.ASYNC) {
        scene.check(pair);
      }
    }
  }

  /** What came of it, and whether it came when it should. */
  private static String timed(End end) {
    long start = System.nanoTime();
    String outcome = Scene.outcome(() -> end.read(ByteBuffer.allocate(5), TIMEOUT_MILLIS));
    long millis = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - start);
    // The JDK's own timers of asynchronous channels may be a part of a millisecond early.
    boolean early = millis < TIMEOUT_MILLIS - 1;
    return outcome + ", early " + early + ", late " + (millis > TIMEOUT_MILLIS + LATE_MILLIS);
  }

  private static void inTime(Scene scene) throws Exception {
    try (Pair pair = scene.pair()) {
      for (int i = 0; i < 4; i++) {
        Task<Integer> reader =
            scene
                .start(() -> pair.server().read(ByteBuffer.allocate(5), PATIENT_MILLIS))
                .awaitBlocked();
        if (i == 1) {
          scene.momentAmidCalls(pair);
        }
        pair.client().writeAll(new byte[2]);
        scene.say("read", reader.get());
      }
      scene.check(pair);
    }
  }

  /** The reader goes back to its call each time: it is in it at the change and at the switch. */
  private static void reading(Scene scene) throws Exception {
    try (Pair pair = scene.pair()) {
      Task<Integer> reader = scene.start(() -> pair.client().readUpTo(100).length).awaitBlocked();
      scene.momentAmidCalls(pair);
      for (int i = 0; i < 10; i++) {
        pair.server().writeAll(new byte[10]);
        if (i < 9) {
          reader.awaitBlocked();
        }
      }
      scene.say("read", reader.get());
      scene.check(pair);
    }
  }

  private static void bothReading(Scene scene) throws Exception {
    try (Pair pair = scene.pair()) {
      Task<Integer> one = scene.start(() -> pair.client().readUpTo(60).length).awaitBlocked();
      Task<Integer> two = scene.start(() -> pair.server().readUpTo(60).length).awaitBlocked();
      scene.momentAmidCalls(pair);
      for (int i = 0; i < 6; i++) {
        pair.server().writeAll(new byte[10]);
        pair.client().writeAll(new byte[10]);
        if (i < 5) {
          one.awaitBlocked();
          two.awaitBlocked();
        }
      }
      scene.say("read", one.get() + " and " + two.get());
      scene.check(pair);
    }
  }

  private static void unreadAtChange(Scene scene) throws Exception {
    try (Pair pair = scene.pair()) {
      scene.moment(pair);
      pair.client().writeAll(new byte[] {1, 2, 3});
      scene.momentWithUnread(pair);
      pair.client().writeAll(new byte[] {4, 5});
      byte[] seen = pair.server().readUpTo(1);
      pair.client().writeAll(new byte[] {6});
      scene.momentWithUnread(pair);
      scene.say("first", seen[0]);
      seen = pair.server().readUpTo(5);
      scene.say("then", Arrays.toString(seen));
      scene.check(pair);
    }
  }

  /** A read that is blocked is not ended by what its own end writes. */
  private static void writesAmidRead(Scene scene) throws Exception {
    try (Pair pair = scene.pair()) {
      Task<Integer> reader =
          scene.start(() -> pair.client().read(ByteBuffer.allocate(5))).awaitBlocked();
      scene.momentAmidCalls(pair);
      for (int i = 0; i < 20; i++) {
        pair.client().writeAll(new byte[20_000]);
        pair.server().readUpTo(20_000);
      }
      scene.say("still reading", !reader.isDone());
      pair.server().writeAll(new byte[5]);
      scene.say("read", reader.get());
      scene.check(pair);
    }
  }
}
