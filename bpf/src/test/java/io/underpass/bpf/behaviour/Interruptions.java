/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.bpf.behaviour;

import java.nio.ByteBuffer;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;

/** Threads that are interrupted in a read or a write, or whose socket is closed by another. */
final class Interruptions {
  private Interruptions() {}

  static void addTo(Map<String, Program.Behaviour> all) {
    all.put("interrupt of a read", Interruptions::interruptRead);
    all.put("interrupt of a write", Interruptions::interruptWrite);
    all.put("close of one that reads", Interruptions::closeReader);
    all.put("close of one that writes", Interruptions::closeWriter);
    all.put("close of one that is read and written", Interruptions::closeBoth);
  }

  private static void interruptRead(Scene scene) throws Exception {
    try (Pair pair = scene.pair()) {
      Task<String> reader = reader(scene, pair.server()).awaitBlocked();
      scene.momentAmidCalls(pair);
      if (ignoresInterrupts(scene.api)) {
        reader.thread().interrupt();
        reader.awaitBlocked();
        scene.say("still reading", !reader.isDone());
        pair.client().writeAll(new byte[4]);
        scene.say("read", reader.get());
        scene.check(pair);
        return;
      }
      reader.thread().interrupt();
      scene.say("read", reader.get());
      scene.tell("read again", () -> pair.server().read(ByteBuffer.allocate(5), 50));
      // Where the interrupt has closed it, this is the end of the stream.
      scene.tell("the other", () -> pair.client().read(ByteBuffer.allocate(5), 50));
    }
  }

  private static void interruptWrite(Scene scene) throws Exception {
    try (Pair pair = scene.pair()) {
      scene.moment(pair);
      AtomicLong written = new AtomicLong();
      Task<String> writer = writer(scene, pair.client(), written);
      Streams.awaitStalled(writer, written::get);
      scene.momentWithUnread(pair);
      writer.thread().interrupt();
      if (ignoresInterrupts(scene.api)) {
        Streams.awaitStalled(writer, written::get);
        scene.say("still writing", !writer.isDone());
        pair.client().close();
        scene.say("write", closed(writer.get()));
        return;
      }
      scene.say("write", writer.get());
    }
  }

  /**
   * A platform thread in a {@code Socket}'s call is not to be interrupted. One that waits for the
   * completion of an asynchronous operation is, but the operation goes on.
   */
  private static boolean ignoresInterrupts(Api api) {
    return api == Api.SOCKET;
  }

  private static void closeReader(Scene scene) throws Exception {
    try (Pair pair = scene.pair()) {
      Task<String> reader = reader(scene, pair.server()).awaitBlocked();
      scene.momentAmidCalls(pair);
      pair.server().close();
      scene.say("read", reader.get());
      scene.tell("read again", () -> pair.server().read(ByteBuffer.allocate(5)));
      scene.tell("the other", () -> pair.client().read(ByteBuffer.allocate(5)));
    }
  }

  private static void closeWriter(Scene scene) throws Exception {
    try (Pair pair = scene.pair()) {
      scene.moment(pair);
      AtomicLong written = new AtomicLong();
      Task<String> writer = writer(scene, pair.client(), written);
      Streams.awaitStalled(writer, written::get);
      scene.momentWithUnread(pair);
      pair.client().close();
      scene.say("write", closed(writer.get()));
      // What had been taken arrives, and then the end.
      boolean all = pair.server().drain() >= written.get();
      scene.say("all that was written arrives", all);
    }
  }

  private static void closeBoth(Scene scene) throws Exception {
    try (Pair pair = scene.pair()) {
      scene.moment(pair);
      AtomicLong written = new AtomicLong();
      Task<String> writer = writer(scene, pair.client(), written);
      Task<String> reader = reader(scene, pair.client()).awaitBlocked();
      Streams.awaitStalled(writer, written::get);
      scene.momentWithUnread(pair);
      pair.client().close();
      scene.say("read", reader.get());
      scene.say("write", closed(writer.get()));
      boolean all = pair.server().drain() >= written.get();
      scene.say("all that was written arrives", all);
    }
  }

  /**
   * A write of which a part had been taken succeeds, and the next one, or a {@code Socket} that is
   * asked for its stream, finds that all is closed: which of these it is depends on how the blocks
   * fit into the buffers, and on room that is made at the very moment of the close.
   */
  static String closed(String outcome) {
    return outcome
        .replace("ClosedChannelException", "AsynchronousCloseException")
        .replace("Socket is closed", "Socket closed");
  }

  private static Task<String> reader(Scene scene, End end) {
    return scene.start(() -> Scene.outcome(() -> end.read(ByteBuffer.allocate(5))));
  }

  private static Task<String> writer(Scene scene, End end, AtomicLong written) {
    return scene.start(
        () ->
            Scene.outcome(
                () -> {
                  ByteBuffer block = ByteBuffer.allocate(1 << 15);
                  while (true) {
                    written.addAndGet(end.write(block));
                    if (!block.hasRemaining()) {
                      block.clear();
                    }
                  }
                }));
  }
}
