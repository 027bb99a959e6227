/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.bpf.behaviour;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Map;
import java.util.Random;

/** Ends of streams that are orderly. */
final class Closes {
  private static final int PENDING_BYTES = 60_000;

  private Closes() {}

  static void addTo(Map<String, Program.Behaviour> all) {
    all.put("half-close of the client, then of the server", s -> halfClose(s, true));
    all.put("half-close of the server, then of the client", s -> halfClose(s, false));
    all.put("half-close while the other reads", Closes::halfCloseAmidRead);
    all.put("the open half of a connection", Closes::openHalf);
    all.put("close while the other reads", Closes::closeAmidRead);
    all.put("close with bytes on the way", s -> closePending(s, false));
    all.put("half-close with bytes on the way", s -> closePending(s, true));
    all.put("write after shutdownOutput", Closes::writeAfterShutdown);
    all.put("shutdownInput", Closes::shutdownInput);
    all.put("shutdownInput while it reads", Closes::shutdownInputAmidRead);
    all.put("close of both at once", Closes::closeBoth);
  }

  private static void halfClose(Scene scene, boolean client) throws Exception {
    try (Pair pair = scene.pair()) {
      End one = client ? pair.client() : pair.server();
      End two = client ? pair.server() : pair.client();
      scene.moment(pair);
      one.writeAll(new byte[100]);
      one.shutdownOutput();
      scene.say("read to the end", two.drain());
      scene.tell("read again", () -> two.read(ByteBuffer.allocate(5)));
      for (int i = 0; i < 10; i++) {
        two.writeAll(new byte[50]);
        scene.say("answer", one.readUpTo(50).length);
      }
      two.writeAll(new byte[70]);
      two.shutdownOutput();
      scene.say("read back to the end", one.drain());
    }
  }

  private static void halfCloseAmidRead(Scene scene) throws Exception {
    try (Pair pair = scene.pair()) {
      Task<Long> reader = scene.start(pair.server()::drain).awaitBlocked();
      scene.momentAmidCalls(pair);
      pair.client().writeAll(new byte[5]);
      reader.awaitBlocked();
      pair.client().writeAll(new byte[6]);
      reader.awaitBlocked();
      pair.client().shutdownOutput();
      scene.say("read", reader.get());
      pair.server().writeAll(new byte[7]);
      scene.say("answer", pair.client().readUpTo(7).length);
    }
  }

  private static void openHalf(Scene scene) throws Exception {
    try (Pair pair = scene.pair()) {
      scene.moment(pair);
      pair.client().writeAll(new byte[100]);
      pair.client().shutdownOutput();
      scene.say("read to the end", pair.server().drain());
      for (int i = 0; i < 15; i++) {
        Task<byte[]> reader = scene.start(() -> pair.client().readUpTo(50));
        if (i == 5) {
          scene.momentHalfClosed(pair);
        } else if (i == 10) {
          reader.awaitBlocked();
          scene.momentHalfClosed(pair);
        }
        pair.server().writeAll(new byte[50]);
        scene.say("answer", reader.get().length);
      }
      pair.server().close();
      scene.say("read back to the end", pair.client().drain());
    }
  }

  /** Nothing at all was sent between the moment and the end of the stream. */
  private static void closeAmidRead(Scene scene) throws Exception {
    try (Pair pair = scene.pair()) {
      Task<Long> reader = scene.start(pair.client()::drain).awaitBlocked();
      scene.momentAmidCalls(pair);
      pair.server().close();
      scene.say("read", reader.get());
    }
  }

  private static void closePending(Scene scene, boolean half) throws Exception {
    try (Pair pair = scene.pair()) {
      scene.moment(pair);
      byte[] content = Streams.bytes(new Random(5), PENDING_BYTES);
      pair.client().writeAll(ByteBuffer.wrap(content, 0, PENDING_BYTES / 2));
      scene.queued(pair.server(), PENDING_BYTES / 2);
      scene.momentWithUnread(pair);
      scene.queued(pair.server(), PENDING_BYTES / 2);
      pair.client().writeAll(ByteBuffer.wrap(content, PENDING_BYTES / 2, PENDING_BYTES / 2));
      if (half) {
        pair.client().shutdownOutput();
      } else {
        pair.client().close();
      }
      byte[] seen = pair.server().readUpTo(PENDING_BYTES + 1);
      scene.say("read", seen.length + " equal " + Arrays.equals(content, seen));
      scene.tell("then", () -> pair.server().read(ByteBuffer.allocate(1)));
    }
  }

  private static void writeAfterShutdown(Scene scene) throws Exception {
    try (Pair pair = scene.pair()) {
      scene.moment(pair);
      pair.client().shutdownOutput();
      for (int i = 0; i < 2; i++) {
        scene.tell("write", () -> pair.client().write(ByteBuffer.allocate(5)));
      }
      scene.say("read by the other", pair.server().drain());
    }
  }

  private static void shutdownInput(Scene scene) throws Exception {
    try (Pair pair = scene.pair()) {
      scene.moment(pair);
      pair.server().shutdownInput();
      scene.tell("read", () -> pair.server().read(ByteBuffer.allocate(5)));
      for (int i = 0; i < 5; i++) {
        scene.tell("write of the other", () -> pair.client().write(ByteBuffer.allocate(100)));
      }
      scene.tell("read", () -> pair.server().read(ByteBuffer.allocate(5)));
      pair.server().writeAll(new byte[8]);
      scene.say("the way back", pair.client().readUpTo(8).length);
    }
  }

  private static void shutdownInputAmidRead(Scene scene) throws Exception {
    try (Pair pair = scene.pair()) {
      Task<String> reader =
          scene
              .start(() -> Scene.outcome(() -> pair.server().read(ByteBuffer.allocate(5))))
              .awaitBlocked();
      scene.momentAmidCalls(pair);
      pair.server().shutdownInput();
      scene.say("read", reader.get());
      pair.server().writeAll(new byte[8]);
      scene.say("the way back", pair.client().readUpTo(8).length);
    }
  }

  private static void closeBoth(Scene scene) throws Exception {
    try (Pair pair = scene.pair()) {
      scene.moment(pair);
      pair.client().writeAll(new byte[9]);
      pair.server().writeAll(new byte[9]);
      pair.client().shutdownOutput();
      pair.server().shutdownOutput();
      scene.say("read", pair.client().drain() + " and " + pair.server().drain());
    }
  }
}
