/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.bpf;

import io.underpass.protocol.FlowView;
import io.underpass.protocol.HelperClient;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Scanner;

/**
 * A registered process that writes single bytes to itself, on many connections, and reads none of
 * them until it is told to.
 */
final class Hoarder {
  /** More than the bytes of a receive buffer allow, each counted with its overhead. */
  private static final int BYTES = 2500;

  private Hoarder() {}

  /**
   * Says {@code ready}, {@code written} and {@code right}, each when it is told to go on.
   *
   * @param args the helper's socket; how many connections
   */
  public static void main(String[] args) throws Exception {
    Scanner in = new Scanner(System.in, StandardCharsets.US_ASCII);
    try (HelperClient client = HelperClient.connect(Path.of(args[0]), Testbed.PATIENCE)) {
      client.register("on").orThrow();
      List<Testbed.Pair> pairs = new ArrayList<>();
      for (int i = 0; i < Integer.parseInt(args[1]); i++) {
        pairs.add(Testbed.Pair.open("127.0.0.1"));
      }
      awaitAccelerated(client, 2 * pairs.size());
      for (Testbed.Pair pair : pairs) {
        exchange(pair, 4); // by which each reader is seen to read
        pair.join(); // which gives both room
      }
      System.out.println("ready");
      in.nextLine();
      for (int i = 0; i < pairs.size(); i++) {
        write(pairs.get(i), new Bytes(i));
      }
      System.out.println("written");
      in.nextLine();
      for (int i = 0; i < pairs.size(); i++) {
        read(pairs.get(i), new Bytes(i));
      }
      System.out.println("right");
    }
  }

  private static void awaitAccelerated(HelperClient client, int sockets) throws Exception {
    long end = System.nanoTime() + Testbed.PATIENCE.toNanos();
    while (client.flows(1000).stream().filter(FlowView::accelerated).count() < sockets) {
      if (System.nanoTime() > end) {
        throw new AssertionError("not all are accelerated");
      }
      Thread.sleep(20);
    }
  }

  private static void exchange(Testbed.Pair pair, int times) throws IOException {
    for (int i = 0; i < times; i++) {
      pair.client().write(ByteBuffer.allocate(1));
      pair.server().read(ByteBuffer.allocate(1));
      pair.server().write(ByteBuffer.allocate(1));
      pair.client().read(ByteBuffer.allocate(1));
    }
  }

  private static void write(Testbed.Pair pair, Bytes bytes) throws IOException {
    for (int i = 0; i < BYTES; i++) {
      pair.client().write(ByteBuffer.wrap(new byte[] {bytes.at(i)}));
    }
  }

  private static void read(Testbed.Pair pair, Bytes bytes) throws IOException {
    ByteBuffer got = ByteBuffer.allocate(BYTES);
    while (got.hasRemaining()) {
      pair.server().read(got);
    }
    if (bytes.firstWrong(got.array(), BYTES, 0) >= 0) {
      throw new AssertionError("a wrong byte");
    }
  }
}
