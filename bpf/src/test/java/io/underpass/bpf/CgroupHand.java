/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.bpf;

import io.underpass.Reason;
import io.underpass.ffm.ChannelCalls;
import io.underpass.protocol.FlowView;
import io.underpass.protocol.HelperClient;
import io.underpass.protocol.SocketOptions;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/**
 * A program that registers and does a word at a time, for {@link CgroupTest}. Both ends of its one
 * connection are its own.
 */
final class CgroupHand {
  private static final int BYTES = 7;
  private static HelperClient client;
  private static Testbed.Pair pair;

  private CgroupHand() {}

  public static void main(String[] args) throws Exception {
    Path helper = Path.of(args[0]);
    BufferedReader in =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.US_ASCII));
    System.out.println(register(helper));
    for (String word = in.readLine(); word != null; word = in.readLine()) {
      System.out.println(
          switch (word) {
            case "register" -> register(helper);
            case "connect" -> connect();
            case "make" -> {
              pair = Testbed.Pair.open("127.0.0.1");
              yield "made";
            }
            case "reason" -> reason();
            case "await" -> await();
            case "exchange" -> exchange();
            case "claim" -> {
              client.claim();
              yield "claimed";
            }
            case "close" -> {
              pair.close();
              yield "closed";
            }
            default -> throw new IllegalArgumentException(word);
          });
    }
  }

  private static String register(Path helper) throws IOException {
    client = HelperClient.connect(helper, Testbed.PATIENCE);
    client.register("on").orThrow();
    return "registered";
  }

  /** A connection beside those that there are, which stay open. */
  private static String connect() throws Exception {
    Testbed.Pair made = Testbed.Pair.open("127.0.0.1");
    if (!Joining.asks(made.client()) || !Joining.asks(made.server())) {
      made.close();
      return "refused";
    }
    pair = made;
    EnrolmentTest.exchange(pair, 50);
    Testbed.await(client, pair.client(), FlowView::accelerated);
    Testbed.await(client, pair.server(), FlowView::accelerated);
    String result = exchange();
    return result.equals("right") ? "accelerated" : result;
  }

  /** Why it is plain, when there has been traffic enough. */
  private static String reason() throws Exception {
    EnrolmentTest.exchange(pair, 50);
    return Testbed.await(client, pair.client(), f -> f.reason() != Reason.UNDECIDED)
        .reason()
        .wireName();
  }

  private static String await() throws Exception {
    Testbed.await(client, pair.client(), FlowView::accelerated);
    Testbed.await(client, pair.server(), FlowView::accelerated);
    EnrolmentTest.exchange(pair, 50);
    return "accelerated";
  }

  /** What is unread of a redirected message is known by the hooks alone. */
  private static String exchange() throws IOException {
    EnrolmentTest.exchange(pair, 5);
    pair.client().write(ByteBuffer.allocate(BYTES));
    int server = ChannelCalls.descriptor(pair.server());
    int available = ChannelCalls.getOption(server, SocketOptions.LEVEL, SocketOptions.AVAILABLE);
    pair.server().read(ByteBuffer.allocate(BYTES));
    return available == BYTES ? "right" : "available " + available;
  }
}
