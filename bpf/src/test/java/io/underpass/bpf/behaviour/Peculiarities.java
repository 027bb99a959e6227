/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.bpf.behaviour;

import static java.nio.charset.StandardCharsets.US_ASCII;

import java.io.InputStream;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;

/** What only a {@code Socket} offers, a channel's adaptor too: available(), urgent data. */
final class Peculiarities {
  /** Single bytes. */
  private static final int PIECES = 300;

  private Peculiarities() {}

  static void addTo(Map<String, Program.Behaviour> all) {
    all.put("available", Peculiarities::available);
    all.put("available and the end of the stream", Peculiarities::availableAtEnd);
    all.put("available while pieces come", Peculiarities::availablePolled);
    all.put("urgent data in line", s -> urgent(s, true));
    all.put("urgent data out of line", s -> urgent(s, false));
    all.put("urgent data behind what is unread", Peculiarities::urgentBehindUnread);
    all.put("urgent data for one that reads", s -> urgentAmidRead(s, true));
    all.put("urgent data out of line for one that reads", s -> urgentAmidRead(s, false));
  }

  private static void available(Scene scene) throws Exception {
    try (Pair pair = scene.pair()) {
      InputStream in = pair.server().socket().getInputStream();
      scene.moment(pair);
      scene.say("nothing sent", in.available());
      pair.client().writeAll(new byte[1000]);
      scene.queued(pair.server(), 1000);
      scene.say("1000 sent", in.available());
      scene.momentWithUnread(pair);
      scene.say("after the change", in.available());
      pair.server().readUpTo(400);
      scene.say("400 read", in.available());
      pair.client().writeAll(new byte[50]);
      scene.say("50 more", in.available());
      scene.momentWithUnread(pair);
      scene.say("after the change", in.available());
      pair.client().writeAll(new byte[7]);
      scene.say("7 more", in.available());
      pair.server().readUpTo(657);
      scene.say("all read", in.available());
      pair.client().writeAll(new byte[8]);
      scene.say("8 sent", in.available());
      pair.server().readUpTo(8);
      scene.check(pair);
    }
  }

  private static void availableAtEnd(Scene scene) throws Exception {
    try (Pair pair = scene.pair()) {
      InputStream in = pair.client().socket().getInputStream();
      scene.moment(pair);
      pair.server().writeAll(new byte[50]);
      scene.momentWithUnread(pair);
      pair.server().writeAll(new byte[50]);
      pair.server().shutdownOutput();
      scene.say("100 and the end", in.available());
      pair.client().readUpTo(30);
      scene.say("30 read", in.available());
      scene.say("the rest", pair.client().drain());
      scene.say("at the end", in.available());
      pair.client().shutdownInput();
      scene.say("shut down", in.available());
      pair.client().close();
      scene.tell("closed", in::available);
    }
  }

  /** What is unread only becomes more, whoever is asked for it at whichever moment. */
  private static void availablePolled(Scene scene) throws Exception {
    try (Pair pair = scene.pair()) {
      InputStream in = pair.server().socket().getInputStream();
      AtomicLong looks = new AtomicLong();
      Task<String> poller =
          scene.start(
              () -> {
                for (int last = 0; last < PIECES; looks.incrementAndGet()) {
                  int now = in.available();
                  if (now < last || now > PIECES) {
                    return now + " after " + last;
                  }
                  last = now;
                  Thread.onSpinWait();
                }
                return "never less";
              });
      for (int i = 0; i < PIECES && !poller.isDone(); i++) {
        if (i == PIECES / 3 || i == PIECES * 2 / 3) {
          scene.momentWithUnread(pair);
        }
        pair.client().writeAll(new byte[1]);
        long before = looks.get();
        while (looks.get() == before && !poller.isDone()) {
          Thread.onSpinWait();
        }
      }
      scene.say("seen", poller.get());
      scene.say("at last", in.available());
      scene.say("read", pair.server().readUpTo(PIECES).length);
      scene.say("then", in.available());
      scene.check(pair);
    }
  }

  private static void urgent(Scene scene, boolean inline) throws Exception {
    try (Pair pair = scene.pair()) {
      pair.server().socket().setOOBInline(inline);
      scene.moment(pair);
      for (int i = 0; i < 3; i++) {
        pair.client().writeAll("before".getBytes(US_ASCII));
        if (i == 1) {
          scene.momentWithUnread(pair);
        }
        pair.client().socket().sendUrgentData('0' + i);
        if (i == 2) {
          scene.momentWithUnread(pair);
        }
        pair.client().writeAll("after".getBytes(US_ASCII));
        int count = inline ? 12 : 11;
        byte[] seen = pair.server().readUpTo(count);
        scene.say("seen", new String(seen, US_ASCII));
      }
      scene.pinned(pair.client(), pair);
      pair.client().shutdownOutput();
      scene.say("left", pair.server().drain());
    }
  }

  private static void urgentBehindUnread(Scene scene) throws Exception {
    try (Pair pair = scene.pair()) {
      scene.moment(pair);
      InputStream in = pair.server().socket().getInputStream();
      pair.client().writeAll("one".getBytes(US_ASCII));
      pair.client().writeAll("two".getBytes(US_ASCII));
      scene.momentWithUnread(pair);
      pair.client().socket().sendUrgentData('!');
      pair.client().writeAll("three".getBytes(US_ASCII));
      pair.client().shutdownOutput();
      scene.say("available", in.available());
      scene.say("seen", new String(pair.server().readUpTo(100), US_ASCII));
    }
  }

  private static void urgentAmidRead(Scene scene, boolean inline) throws Exception {
    try (Pair pair = scene.pair()) {
      pair.client().socket().setOOBInline(inline);
      Task<byte[]> reader = scene.start(() -> pair.client().readUpTo(3)).awaitBlocked();
      scene.momentAmidCalls(pair);
      pair.server().writeAll(new byte[] {'a'});
      reader.awaitBlocked();
      pair.server().writeAll(new byte[] {'b'});
      reader.awaitBlocked();
      pair.server().socket().sendUrgentData('!');
      if (!inline) {
        // Out of line it is nothing to read: the reader waits on.
        reader.awaitBlocked();
        pair.server().writeAll(new byte[] {'c'});
      }
      scene.say("seen", new String(reader.get(), US_ASCII));
      // The other direction is as it was.
      pair.client().writeAll(new byte[4]);
      scene.say("the way back", pair.server().readUpTo(4).length);
      scene.pinned(pair.server(), pair);
    }
  }
}
