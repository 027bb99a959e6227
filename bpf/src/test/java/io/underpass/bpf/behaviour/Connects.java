package io.underpass.bpf.behaviour;

import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.SocketException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CyclicBarrier;

/** How connections come to be, or do not. */
final class Connects {
  private static final int SHORT_MILLIS = 300;
  private static final int PATIENT_MILLIS = 10_000;
  private static final int ATTEMPTS = 3_000;

  private Connects() {}

  static void addTo(Map<String, Program.Behaviour> all) {
    all.put("connect refused", Connects::refused);
    all.put("connect timed out", Connects::timedOut);
    all.put("accept that waits", Connects::waitingAccept);
    all.put("accept backlog", Connects::backlog);
    all.put("bytes before the accept", Connects::beforeAccept);
    all.put("close before the accept", Connects::closeBeforeAccept);
    all.put("connect to oneself", Connects::toOneself);
    all.put("simultaneous open", Connects::simultaneous);
  }

  private static InetSocketAddress freePort(Scene scene) throws Exception {
    try (ServerSocket probe = new ServerSocket(0, 1, scene.address)) {
      return (InetSocketAddress) probe.getLocalSocketAddress();
    }
  }

  private static void refused(Scene scene) throws Exception {
    InetSocketAddress nobody = freePort(scene);
    scene.tell("connect", () -> scene.connect(nobody));
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
    InetSocketAddress here = freePort(scene);
    try (End end = scene.api.connect(here, here, PATIENT_MILLIS)) {
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

  /** Two that connect to each other at once; most attempts are refused, as one comes first. */
  private static void simultaneous(Scene scene) throws Exception {
    if (scene.api != Api.SOCKET) {
      return; // the same system calls with each API; it is rare enough with the quickest
    }
    for (int i = 0; i < ATTEMPTS; i++) {
      InetSocketAddress one = freePort(scene);
      InetSocketAddress two = freePort(scene);
      CyclicBarrier together = new CyclicBarrier(2);
      Task<End> other = scene.start(() -> connectAtOnce(scene, two, one, together));
      End here = connectAtOnce(scene, one, two, together);
      End there = other.get();
      if (here != null && there != null) {
        try (Pair pair = new Pair(here, there)) {
          pair.exchange();
          scene.checkAlone(pair);
          pair.exchange();
        }
        scene.say("met", true);
        return;
      }
      for (End end : new End[] {here, there}) {
        if (end != null) {
          end.close();
        }
      }
    }
  }

  private static End connectAtOnce(
      Scene scene, InetSocketAddress from, InetSocketAddress to, CyclicBarrier together)
      throws Exception {
    together.await();
    try {
      return scene.api.connect(from, to, PATIENT_MILLIS);
    } catch (SocketException e) {
      return null; // refused
    }
  }
}
