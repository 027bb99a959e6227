/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.bpf.behaviour;

import java.net.SocketOption;
import java.net.StandardSocketOptions;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/** Socket options, addresses, and the file descriptor. */
final class Options {
  private static final List<SocketOption<Boolean>> SWITCHES =
      List.of(
          StandardSocketOptions.SO_KEEPALIVE,
          StandardSocketOptions.TCP_NODELAY,
          StandardSocketOptions.SO_REUSEADDR);

  private Options() {}

  static void addTo(Map<String, Program.Behaviour> all) {
    all.put("options", Options::options);
    all.put("addresses", Options::addresses);
    all.put("a child process inherits nothing", Options::fork);
  }

  private static void options(Scene scene) throws Exception {
    try (Pair pair = scene.pair()) {
      for (End end : List.of(pair.client(), pair.server())) {
        end.set(StandardSocketOptions.SO_SNDBUF, 100_000);
        end.set(StandardSocketOptions.SO_RCVBUF, 200_000);
        for (SocketOption<Boolean> option : SWITCHES) {
          scene.say(option.name(), end.get(option));
        }
      }
      scene.moment(pair);
      for (End end : List.of(pair.client(), pair.server())) {
        scene.say("send buffer", end.get(StandardSocketOptions.SO_SNDBUF));
        scene.say("receive buffer", end.get(StandardSocketOptions.SO_RCVBUF));
        for (SocketOption<Boolean> option : SWITCHES) {
          boolean was = end.get(option);
          end.set(option, !was);
          scene.say(option.name(), was + " then " + end.get(option));
        }
        end.set(StandardSocketOptions.SO_SNDBUF, 30_000);
        end.set(StandardSocketOptions.SO_RCVBUF, 40_000);
      }
      pair.exchange();
      scene.moment(pair);
      for (End end : List.of(pair.client(), pair.server())) {
        scene.say("send buffer", end.get(StandardSocketOptions.SO_SNDBUF));
        scene.say("receive buffer", end.get(StandardSocketOptions.SO_RCVBUF));
        for (SocketOption<Boolean> option : SWITCHES) {
          scene.say(option.name(), end.get(option));
        }
      }
      scene.check(pair);
    }
  }

  private static void addresses(Scene scene) throws Exception {
    try (Pair pair = scene.pair()) {
      tellAddresses(scene, pair);
      scene.moment(pair);
      tellAddresses(scene, pair);
      scene.check(pair);
      pair.client().shutdownOutput();
      pair.server().drain();
      tellAddresses(scene, pair);
    }
  }

  private static void tellAddresses(Scene scene, Pair pair) throws Exception {
    scene.say("client is", pair.client().local().getAddress());
    scene.say("server is", pair.server().local().getAddress());
    scene.say(
        "mirrored",
        pair.client().local().equals(pair.server().remote())
            && pair.server().local().equals(pair.client().remote()));
  }

  /** The connection ends though a child lives that was made while it was open. */
  private static void fork(Scene scene) throws Exception {
    try (Pair pair = scene.pair()) {
      Task<Long> reader = scene.start(pair.server()::drain).awaitBlocked();
      Process child;
      scene.momentAmidCalls(pair);
      child = new ProcessBuilder("cat").start(); // lives until its input ends
      try {
        pair.client().writeAll(new byte[10]);
        reader.awaitBlocked();
        pair.client().writeAll(new byte[10]);
        scene.say("sockets of the child", sockets(child.pid()));
        pair.client().close();
        scene.say("read", reader.get());
        scene.say("the child lives", child.isAlive());
      } finally {
        child.outputWriter().close();
        child.waitFor();
      }
    }
  }

  /** The JDK's {@code start} returns when the child has become the program. */
  private static long sockets(long pid) throws Exception {
    long count = 0;
    try (DirectoryStream<Path> files = Files.newDirectoryStream(Path.of("/proc/" + pid + "/fd"))) {
      for (Path file : files) {
        if (Files.readSymbolicLink(file).toString().startsWith("socket:")) {
          count++;
        }
      }
    }
    return count;
  }
}
