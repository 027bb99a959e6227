/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.bpf.behaviour;

import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;

/**
 * What ends a connection, or a half of it, while a write is held by a reader that does not read.
 */
final class Held {
  private static final int BLOCK = 1 << 15;

  private Held() {}

  /** What happens while a write is held. */
  private interface Ending {
    void run(Scene scene, Pair pair, Writing writing) throws Exception;
  }

  /**
   * The client's write, in a thread of its own.
   *
   * @param task what came of it
   * @param written bytes so far
   */
  private record Writing(Task<String> task, AtomicLong written) {}

  static void addTo(Map<String, Program.Behaviour> all, Api api) {
    all.put("half-close of the other while a write is held", held(Held::halfCloseByOther));
    all.put("shutdownOutput while a write is held", held(Held::shutdownOutput));
    if (api != Api.ASYNC) { // such channels do not have the option
      all.put("linger 0 of the other while a write is held", held(Held::lingerZeroOfOther));
      all.put("linger 0 while a write is held", held(Held::lingerZero));
    }
  }

  /** The client's write is held at the moment, by bytes that the server does not read. */
  private static Program.Behaviour held(Ending ending) {
    return scene -> {
      try (Pair pair = scene.pair()) {
        scene.moment(pair);
        AtomicLong written = new AtomicLong();
        Task<String> writer = writer(scene, pair.client(), written);
        scene.queuedSome(pair.server());
        scene.momentWithUnread(pair);
        ending.run(scene, pair, new Writing(writer, written));
      }
    };
  }

  /** Writes for as long as it can; what came of it. */
  private static Task<String> writer(Scene scene, End end, AtomicLong written) throws Exception {
    Task<String> writer =
        scene.start(
            () ->
                Scene.outcome(
                    () -> {
                      ByteBuffer block = ByteBuffer.allocate(BLOCK);
                      while (true) {
                        written.addAndGet(end.write(block));
                        if (!block.hasRemaining()) {
                          block.clear();
                        }
                      }
                    }));
    Streams.awaitStalled(writer, written::get);
    return writer;
  }

  private static void halfCloseByOther(Scene scene, Pair pair, Writing writing) throws Exception {
    pair.server().writeAll(new byte[20]);
    pair.server().shutdownOutput();
    scene.say("the other's bytes, and its end", pair.client().drain());
    scene.say("still held", !writing.task.isDone());
    long held = writing.written.get();
    scene.say("all of them", pair.server().readUpTo((int) held).length == held);
    pair.client().close();
    writing.task.get(); // how far it came by now depends on the buffers
  }

  private static void shutdownOutput(Scene scene, Pair pair, Writing writing) throws Exception {
    pair.client().shutdownOutput();
    writing.task.get(); // with which exception depends on whether it is in its call just then
    scene.say("all that was written arrives", pair.server().drain() >= writing.written.get());
    pair.server().writeAll(new byte[20]);
    scene.say("the way back", pair.client().readUpTo(20).length);
  }

  private static void lingerZeroOfOther(Scene scene, Pair pair, Writing writing) throws Exception {
    pair.server().set(StandardSocketOptions.SO_LINGER, 0);
    pair.server().close();
    scene.say("write", writing.task.get());
    scene.tell("read", () -> pair.client().read(ByteBuffer.allocate(5)));
  }

  private static void lingerZero(Scene scene, Pair pair, Writing writing) throws Exception {
    pair.client().set(StandardSocketOptions.SO_LINGER, 0);
    pair.client().close();
    scene.say("write", Interruptions.closed(writing.task.get()));
    scene.tell("read", () -> pair.server().drain());
    scene.tell("read again", () -> pair.server().read(ByteBuffer.allocate(5)));
  }
}
