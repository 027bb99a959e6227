/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.bpf.behaviour;

import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.util.Map;

/**
 * A reset that cuts a blocking write short, of which a part has gone: the write tells how much, and
 * the next call of the connection is told of the reset, whichever it is.
 *
 * <p>Only of blocking channels: what else there is writes on by itself, and whether its next write
 * or a read comes first is chance.
 */
final class Cuts {
  private static final int LARGE = 32 << 20;

  private Cuts() {}

  static void addTo(Map<String, Program.Behaviour> all, Api api) {
    if (api == Api.CHANNEL) {
      all.put("a write that is cut short, then a read", Cuts::thenRead);
      all.put("a write that is cut short, then a write", Cuts::thenWrite);
      all.put("a write that is cut short while a read waits", Cuts::amidRead);
    }
  }

  /** Writes until the other end resets; whether it then has written a part. */
  private static Task<String> writer(Scene scene, Pair pair) throws Exception {
    ByteBuffer large = ByteBuffer.allocateDirect(LARGE);
    Task<String> writer =
        scene.start(
            () ->
                Scene.outcome(
                    () -> {
                      int written = pair.client().write(large);
                      return written > 0 && written < LARGE ? "a part" : written;
                    }));
    writer.awaitBlocked();
    return writer;
  }

  private static void reset(Scene scene, Pair pair, Task<String> writer) throws Exception {
    scene.queuedSome(pair.server());
    scene.momentWithUnread(pair);
    scene.say("held", !writer.isDone());
    pair.server().set(StandardSocketOptions.SO_LINGER, 0);
    pair.server().close();
    scene.say("written", writer.get());
  }

  private static void thenRead(Scene scene) throws Exception {
    try (Pair pair = scene.pair()) {
      scene.moment(pair);
      reset(scene, pair, writer(scene, pair));
      scene.tell("read", () -> pair.client().read(ByteBuffer.allocate(5)));
      scene.tell("read again", () -> pair.client().read(ByteBuffer.allocate(5)));
      scene.tell("write", () -> pair.client().write(ByteBuffer.allocate(5)));
    }
  }

  private static void thenWrite(Scene scene) throws Exception {
    try (Pair pair = scene.pair()) {
      scene.moment(pair);
      reset(scene, pair, writer(scene, pair));
      scene.tell("write", () -> pair.client().write(ByteBuffer.allocate(5)));
      scene.tell("write again", () -> pair.client().write(ByteBuffer.allocate(5)));
      scene.tell("read", () -> pair.client().read(ByteBuffer.allocate(5)));
    }
  }

  private static void amidRead(Scene scene) throws Exception {
    try (Pair pair = scene.pair()) {
      scene.moment(pair);
      Task<String> reader =
          scene
              .start(() -> Scene.outcome(() -> pair.client().read(ByteBuffer.allocate(5))))
              .awaitBlocked();
      reset(scene, pair, writer(scene, pair));
      scene.say("read", reader.get());
      scene.tell("read again", () -> pair.client().read(ByteBuffer.allocate(5)));
      scene.tell("write", () -> pair.client().write(ByteBuffer.allocate(5)));
    }
  }
}
