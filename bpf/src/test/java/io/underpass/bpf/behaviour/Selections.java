/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.bpf.behaviour;

import static java.nio.channels.SelectionKey.OP_READ;
import static java.nio.channels.SelectionKey.OP_WRITE;

import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.util.List;
import java.util.Map;

/** Readiness as a selector tells it. */
final class Selections {
  private static final long PATIENT_MILLIS = 30_000;
  private static final long SHORT_MILLIS = 60;

  private Selections() {}

  static void addTo(Map<String, Program.Behaviour> all) {
    all.put("selected as long as something is unread", Selections::level);
    all.put("OP_WRITE falls away and returns", Selections::writable);
    all.put("OP_READ at the end of the stream", s -> end(s, false));
    all.put("OP_READ after a reset", s -> end(s, true));
    all.put("a selector that waits at a change", Selections::waiting);
    all.put("one selector for both ends", Selections::oneForBoth);
    all.put("a channel that is registered after bytes came", Selections::registeredLate);
  }

  private static void level(Scene scene) throws Exception {
    try (Pair pair = scene.pair()) {
      SelectorEnd server = (SelectorEnd) pair.server();
      scene.moment(pair);
      scene.say("nothing sent", SelectorEnd.ready(server.reader, SHORT_MILLIS));
      pair.client().writeAll(new byte[1000]);
      scene.queued(server, 1000);
      scene.say("1000 sent", SelectorEnd.ready(server.reader, PATIENT_MILLIS));
      for (int i = 0; i < 10; i++) {
        scene.say("read", server.channel.read(ByteBuffer.allocate(100)));
        if (i == 4) {
          scene.momentWithUnread(pair);
          pair.client().writeAll(new byte[50]);
        }
        scene.say("ready", SelectorEnd.ready(server.reader, 0));
      }
      scene.say("read", server.channel.read(ByteBuffer.allocate(100)));
      scene.say("ready", SelectorEnd.ready(server.reader, 0));
      scene.say("read", server.channel.read(ByteBuffer.allocate(100)));
      scene.say("for a while", SelectorEnd.ready(server.reader, SHORT_MILLIS));
      scene.check(pair);
    }
  }

  private static void writable(Scene scene) throws Exception {
    try (Pair pair = scene.pair()) {
      SelectorEnd client = (SelectorEnd) pair.client();
      scene.moment(pair);
      scene.say("empty", SelectorEnd.ready(client.writer, PATIENT_MILLIS));
      long held = fill(client);
      scene.queuedSome(pair.server());
      scene.say("full", SelectorEnd.ready(client.writer, 0));
      scene.momentWithUnread(pair);
      scene.say("full after the change", SelectorEnd.ready(client.writer, 0));
      Task<Integer> selecting =
          scene.start(() -> SelectorEnd.ready(client.writer, PATIENT_MILLIS)).awaitBlocked();
      scene.momentWithUnread(pair);
      scene.say("all of it", pair.server().readUpTo((int) held).length == held);
      scene.say("emptied", selecting.get());
      scene.say("takes", client.channel.write(ByteBuffer.allocate(100)));
      pair.server().readUpTo(100);
      scene.check(pair);
    }
  }

  /** Writes until nothing has been taken for a while; returns how much was. */
  private static long fill(SelectorEnd end) throws Exception {
    ByteBuffer block = ByteBuffer.allocate(1 << 14);
    long count = 0;
    for (int refusals = 0; refusals < 20; ) {
      int n = end.channel.write(block.clear());
      count += n;
      refusals = n == 0 ? refusals + 1 : 0;
      if (n == 0) {
        Thread.sleep(5);
      }
    }
    return count;
  }

  private static void end(Scene scene, boolean reset) throws Exception {
    try (Pair pair = scene.pair()) {
      SelectorEnd client = (SelectorEnd) pair.client();
      scene.moment(pair);
      if (reset) {
        client.writeAll(new byte[5]);
        scene.queued(pair.server(), 5);
      }
      Task<Integer> selecting =
          scene.start(() -> SelectorEnd.ready(client.reader, PATIENT_MILLIS)).awaitBlocked();
      scene.momentWithUnread(pair);
      pair.server().close();
      scene.say("selected", selecting.get());
      for (int i = 0; i < 2; i++) {
        scene.say("still", SelectorEnd.ready(client.reader, 0));
        scene.tell("read", () -> client.channel.read(ByteBuffer.allocate(5)));
      }
    }
  }

  private static void waiting(Scene scene) throws Exception {
    try (Pair pair = scene.pair()) {
      SelectorEnd server = (SelectorEnd) pair.server();
      for (int i = 0; i < 8; i++) {
        Task<Integer> selecting =
            scene.start(() -> SelectorEnd.ready(server.reader, PATIENT_MILLIS)).awaitBlocked();
        if (i == 2) {
          scene.momentAmidCalls(pair);
          scene.say("woken by the change", selecting.isDone());
        }
        pair.client().writeAll(new byte[10]);
        scene.say("selected", selecting.get());
        scene.say("read", server.channel.read(ByteBuffer.allocate(100)));
      }
      scene.check(pair);
    }
  }

  private static void oneForBoth(Scene scene) throws Exception {
    try (Pair pair = scene.pair();
        Selector selector = Selector.open()) {
      SelectorEnd client = (SelectorEnd) pair.client();
      SelectorEnd server = (SelectorEnd) pair.server();
      client.channel.register(selector, OP_READ, "client");
      server.channel.register(selector, OP_READ, "server");
      scene.moment(pair);
      for (int i = 0; i < 6; i++) {
        if (i == 3) {
          scene.moment(pair);
        }
        List<SelectorEnd> ends = i % 2 == 0 ? List.of(client, server) : List.of(server, client);
        ends.get(0).writeAll(new byte[20]);
        selector.select(PATIENT_MILLIS);
        for (SelectionKey key : selector.selectedKeys()) {
          scene.say("selected", key.attachment());
        }
        selector.selectedKeys().clear();
        ends.get(1).readUpTo(20);
        scene.say("left", selector.selectNow());
      }
      scene.check(pair);
    }
  }

  private static void registeredLate(Scene scene) throws Exception {
    try (Pair pair = scene.pair();
        Selector selector = Selector.open()) {
      SelectorEnd server = (SelectorEnd) pair.server();
      scene.moment(pair);
      pair.client().writeAll(new byte[20]);
      scene.momentWithUnread(pair);
      server.channel.register(selector, OP_READ | OP_WRITE);
      scene.say("selected", SelectorEnd.ready(selector, PATIENT_MILLIS));
      server.readUpTo(20);
      scene.say("then", SelectorEnd.ready(selector, PATIENT_MILLIS));
      scene.check(pair);
    }
  }
}
