/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.bpf.behaviour;

import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;

/** Ends of streams that are not orderly. */
final class Resets {
  private Resets() {}

  static void addTo(Map<String, Program.Behaviour> all, Api api) {
    all.put("close with bytes unread", Resets::closeUnread);
    all.put("close with a part unread", Resets::closePartlyUnread);
    all.put("close with bytes unread after shutdownInput", Resets::closeUnreadShut);
    all.put("close with bytes unread while the other reads", Resets::closeUnreadAmidRead);
    all.put("close with bytes unread while the other writes", Resets::closeUnreadAmidWrite);
    if (api != Api.ASYNC) { // such channels do not have the option
      all.put("linger 0", Resets::lingerZero);
      all.put("linger 0 with bytes on the way", Resets::lingerZeroPending);
      all.put("linger 0 while the other reads", Resets::lingerZeroAmidRead);
    }
    all.put("write after the other closed", Resets::writeAfterClose);
  }

  private static void closeUnread(Scene scene) throws Exception {
    try (Pair pair = scene.pair()) {
      scene.moment(pair);
      pair.client().writeAll(new byte[100]);
      scene.queued(pair.server(), 100);
      scene.momentWithUnread(pair);
      scene.queued(pair.server(), 100);
      pair.server().close();
      afterReset(scene, pair.client());
    }
  }

  private static void closePartlyUnread(Scene scene) throws Exception {
    try (Pair pair = scene.pair()) {
      scene.moment(pair);
      pair.client().writeAll(new byte[100]);
      pair.server().readUpTo(40);
      scene.queued(pair.server(), 60);
      scene.momentWithUnread(pair);
      scene.queued(pair.server(), 60);
      pair.client().writeAll(new byte[100]);
      pair.server().readUpTo(110);
      scene.queued(pair.server(), 50);
      scene.momentWithUnread(pair);
      scene.queued(pair.server(), 50);
      pair.server().close();
      afterReset(scene, pair.client());
    }
  }

  private static void closeUnreadShut(Scene scene) throws Exception {
    try (Pair pair = scene.pair()) {
      scene.moment(pair);
      pair.client().writeAll(new byte[100]);
      scene.queued(pair.server(), 100);
      pair.server().shutdownInput();
      scene.momentWithUnread(pair);
      scene.queued(pair.server(), 100);
      pair.server().close();
      afterReset(scene, pair.client());
    }
  }

  private static void closeUnreadAmidRead(Scene scene) throws Exception {
    try (Pair pair = scene.pair()) {
      Task<String> reader =
          scene
              .start(() -> Scene.outcome(() -> pair.client().read(ByteBuffer.allocate(5))))
              .awaitBlocked();
      scene.momentAmidCalls(pair);
      for (int i = 0; i < 3; i++) {
        pair.client().writeAll(new byte[100]);
        pair.server().readUpTo(100);
      }
      pair.client().writeAll(new byte[100]);
      scene.queued(pair.server(), 100);
      pair.server().close();
      scene.say("read", reader.get());
      afterReset(scene, pair.client());
    }
  }

  private static void closeUnreadAmidWrite(Scene scene) throws Exception {
    try (Pair pair = scene.pair()) {
      scene.moment(pair);
      AtomicLong written = new AtomicLong();
      Task<String> writer =
          scene.start(
              () ->
                  Scene.outcome(
                      () -> {
                        while (true) {
                          pair.client().writeAll(new byte[1 << 15]);
                          written.addAndGet(1 << 15);
                        }
                      }));
      Streams.awaitStalled(writer, written::get);
      scene.queuedSome(pair.server());
      scene.momentWithUnread(pair);
      scene.queuedSome(pair.server());
      pair.server().close();
      scene.say("write", writer.get());
    }
  }

  private static void lingerZero(Scene scene) throws Exception {
    try (Pair pair = scene.pair()) {
      scene.moment(pair);
      pair.server().set(StandardSocketOptions.SO_LINGER, 0);
      pair.server().close();
      afterReset(scene, pair.client());
    }
  }

  private static void lingerZeroPending(Scene scene) throws Exception {
    try (Pair pair = scene.pair()) {
      scene.moment(pair);
      pair.server().writeAll(new byte[100]);
      scene.queued(pair.client(), 100);
      scene.momentWithUnread(pair);
      scene.queued(pair.client(), 100);
      pair.server().set(StandardSocketOptions.SO_LINGER, 0);
      pair.server().close();
      scene.tell("read", () -> pair.client().read(ByteBuffer.allocate(1000)));
      afterReset(scene, pair.client());
    }
  }

  private static void lingerZeroAmidRead(Scene scene) throws Exception {
    try (Pair pair = scene.pair()) {
      Task<String> reader =
          scene
              .start(() -> Scene.outcome(() -> pair.client().read(ByteBuffer.allocate(5))))
              .awaitBlocked();
      scene.momentAmidCalls(pair);
      pair.server().set(StandardSocketOptions.SO_LINGER, 0);
      pair.server().close();
      scene.say("read", reader.get());
      afterReset(scene, pair.client());
    }
  }

  private static void writeAfterClose(Scene scene) throws Exception {
    try (Pair pair = scene.pair()) {
      scene.moment(pair);
      pair.server().close();
      scene.tell("read", () -> pair.client().read(ByteBuffer.allocate(5)));
      // The first is taken, and answered with a reset, on loopback before the call returns.
      for (int i = 0; i < 3; i++) {
        scene.tell("write", () -> pair.client().write(ByteBuffer.allocate(5)));
      }
      scene.tell("read", () -> pair.client().read(ByteBuffer.allocate(5)));
    }
  }

  private static void afterReset(Scene scene, End end) {
    scene.tell("read", () -> end.read(ByteBuffer.allocate(5)));
    scene.tell("read again", () -> end.read(ByteBuffer.allocate(5)));
    scene.tell("write", () -> end.write(ByteBuffer.allocate(5)));
    scene.tell("write again", () -> end.write(ByteBuffer.allocate(5)));
  }
}
