/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.bpf.behaviour;

import java.net.BindException;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/** How connections come to be, or do not. */
final class Connects {
  private static final int SHORT_MILLIS = 300;
  private static final int PATIENT_MILLIS = 60_000;

  private Connects() {}

  static void addTo(Map<String, Program.Behaviour> all) {
    all.put("connect refused", Connects::refused);
    all.put("connect timed out", Connects::timedOut);
    all.put("accept that waits", Connects::waitingAccept);
    all.put("accept backlog", Connects::backlog);
    all.put("bytes before the accept", Connects::beforeAccept);
    all.put("close before the accept", Connects::closeBeforeAccept);
    all.put("connect to oneself", Connects::toOneself);
  }

  /** What needs a network namespace of its own. */
  static void addApartTo(Map<String, Program.Behaviour> all) {
    all.put("simultaneous open", Connects::simultaneous);
  }

  private static InetSocketAddress freePort(Scene scene) throws Exception {
    try (ServerSocket probe = new ServerSocket(0, 1, scene.address)) {
      return (InetSocketAddress) probe.getLocalSocketAddress();
    }
  }

  private static void refused(Scene scene) throws Exception {
    // Bound, so that nobody else gets the port, and not listening.
    try (Socket holder = new Socket()) {
      holder.bind(new InetSocketAddress(scene.address, 0));
      InetSocketAddress nobody = (InetSocketAddress) holder.getLocalSocketAddress();
      scene.tell("connect", () -> scene.connect(nobody));
    }
  }

  private static void timedOut(Scene scene) throws Exception {
    List<End> ends = new ArrayList<>();
    try (Api.Listener listener = scene.listen(1)) {
      // What a backlog of 1 holds; the handshake of the next is not answered.
      ends.add(scene.connect(listener.address()));
      ends.add(scene.connect(listener.address()));
      scene.tell("connect", () -> scene.api.connect(null, listener.address(), SHORT_MILLIS));
    } finally {
      for (End end : ends) {
        end.close();
      }
    }
  }

  private static void waitingAccept(Scene scene) throws Exception {
    try (Api.Listener listener = scene.listen(5)) {
      Task<End> accepting = scene.start(listener::accept).awaitBlocked();
      scene.momentBeforeConnection();
      try (End client = scene.connect(listener.address());
          End server = accepting.get()) {
        client.writeAll(new byte[10]);
        scene.say("read", server.readUpTo(10).length);
        scene.check(new Pair(client, server));
      }
    }
  }

  private static void backlog(Scene scene) throws Exception {
    List<End> ends = new ArrayList<>();
    try (Api.Listener listener = scene.listen(4)) {
      for (int i = 0; i < 5; i++) {
        End client = scene.connect(listener.address());
        ends.add(client);
        client.writeAll(new byte[] {(byte) i, 1});
      }
      for (int i = 0; i < 5; i++) {
        End server = listener.accept();
        ends.add(server);
        Pair pair = new Pair(ends.get(i), server);
        scene.say("mirrored", pair.client().local().equals(pair.server().remote()));
        scene.say("first byte", server.readUpTo(2)[0]);
        pair.exchange();
        if (i == 2) {
          scene.isNew(pair);
          scene.moment(pair);
          scene.check(pair);
        }
      }
    } finally {
      for (End end : ends) {
        end.close();
      }
    }
  }

  /** The client sends while nobody has accepted, before and after the connection is taken up. */
  private static void beforeAccept(Scene scene) throws Exception {
    try (Api.Listener listener = scene.listen(5);
        End client = scene.connect(listener.address())) {
      client.writeAll(new byte[] {1, 2, 3});
      scene.isUnaccepted(client);
      client.writeAll(new byte[] {4, 5});
      try (End server = listener.accept()) {
        Pair pair = new Pair(client, server);
        scene.say("read", Arrays.toString(server.readUpTo(5)));
        scene.isNew(pair);
        scene.moment(pair);
        scene.check(pair);
      }
    }
  }

  private static void closeBeforeAccept(Scene scene) throws Exception {
    try (Api.Listener listener = scene.listen(5)) {
      End client = scene.connect(listener.address());
      client.writeAll(new byte[] {1, 2, 3});
      scene.isUnaccepted(client);
      client.writeAll(new byte[] {4, 5});
      client.close();
      try (End server = listener.accept()) {
        scene.say("read", server.drain());
      }
    }
  }

  private static void toOneself(Scene scene) throws Exception {
    try (End end = connectToOneself(scene)) {
      scene.say("both ends", end.local().equals(end.remote()));
      Pair pair = new Pair(end, end);
      pair.exchange();
      scene.checkAlone(pair);
      pair.exchange();
      end.writeAll(new byte[20]);
      end.shutdownOutput();
      scene.say("read to the end", end.drain());
    }
  }

  private static End connectToOneself(Scene scene) throws Exception {
    for (int attempts = 10; ; attempts--) {
      InetSocketAddress here = freePort(scene);
      try {
        return scene.api.connect(here, here, PATIENT_MILLIS);
      } catch (BindException e) {
        if (attempts == 0) { // somebody else can have the port by now, but not each time
          throw e;
        }
      }
    }
  }

  /**
   * Two that connect to each other at once: both have sent a SYN, and lost it, before either is
   * sent again.
   */
  private static void simultaneous(Scene scene) throws Exception {
    InetSocketAddress one = freePort(scene);
    InetSocketAddress two;
    do {
      two = freePort(scene);
    } while (two.equals(one));
    InetSocketAddress other = two;
    scene.loses(true);
    Task<End> here =
        scene.start(() -> scene.api.connect(one, other, PATIENT_MILLIS)).awaitBlocked();
    Task<End> there =
        scene.start(() -> scene.api.connect(other, one, PATIENT_MILLIS)).awaitBlocked();
    scene.loses(false);
    try (Pair pair = new Pair(here.get(), there.get())) {
      pair.exchange();
      scene.checkAlone(pair);
      pair.exchange();
      scene.say(
          "mirrored",
          pair.client().local().equals(pair.server().remote())
              && pair.server().local().equals(pair.client().remote()));
      pair.client().writeAll(new byte[30]);
      pair.client().shutdownOutput();
      scene.say("read to the end", pair.server().drain());
      pair.server().close();
      scene.say("and back", pair.client().drain());
    }
  }
}
