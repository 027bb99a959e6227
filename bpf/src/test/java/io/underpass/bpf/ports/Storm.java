/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.bpf.ports;

import java.net.StandardSocketOptions;
import java.nio.channels.ServerSocketChannel;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CyclicBarrier;

/** Many threads bind one port at the same moment, again and again. */
final class Storm {
  private static final int THREADS = 4;

  private Storm() {}

  /** Tells how many succeeded in each round, if it is always the same number; else what it saw. */
  static String binds(int port, int rounds, boolean share) throws Exception {
    List<Integer> counts = new ArrayList<>();
    for (int i = 0; i < rounds; i++) {
      int count = round(port, share);
      if (!counts.contains(count)) {
        counts.add(count);
      }
    }
    Collections.sort(counts);
    return counts.toString();
  }

  /** Servers s0, s1, ... that share the port are bound at the same moment, and stay. */
  static String hold(int port, Map<String, AutoCloseable> open) throws Exception {
    open.clear();
    CyclicBarrier start = new CyclicBarrier(THREADS);
    List<Thread> threads = new ArrayList<>();
    for (int i = 0; i < THREADS; i++) {
      String name = "s" + i;
      threads.add(
          Thread.ofPlatform()
              .start(
                  () -> {
                    try {
                      start.await();
                      open.put(name, Endpoints.serve(name, "channel", "::", port, true).socket());
                    } catch (Exception e) {
                      throw new IllegalStateException(e);
                    }
                  }));
    }
    for (Thread thread : threads) {
      thread.join();
    }
    return "held " + open.size();
  }

  private static int round(int port, boolean share) throws Exception {
    CyclicBarrier start = new CyclicBarrier(THREADS);
    List<ServerSocketChannel> bound = Collections.synchronizedList(new ArrayList<>());
    List<Thread> threads = new ArrayList<>();
    for (int i = 0; i < THREADS; i++) {
      threads.add(Thread.ofPlatform().start(() -> bind(port, share, start, bound)));
    }
    for (Thread thread : threads) {
      thread.join();
    }
    for (ServerSocketChannel channel : bound) {
      channel.close();
    }
    return bound.size();
  }

  private static void bind(
      int port, boolean share, CyclicBarrier start, List<ServerSocketChannel> bound) {
    try {
      ServerSocketChannel channel = ServerSocketChannel.open();
      channel.setOption(StandardSocketOptions.SO_REUSEPORT, share);
      start.await();
      try {
        channel.bind(Endpoints.address("::", port));
        bound.add(channel);
      } catch (java.net.BindException e) {
        channel.close();
      }
    } catch (Exception e) {
      throw new IllegalStateException(e);
    }
  }
}
