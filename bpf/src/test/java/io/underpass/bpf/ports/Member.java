/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.bpf.ports;

import io.underpass.protocol.GroupWish;
import io.underpass.protocol.HelperClient;
import io.underpass.protocol.PortRanges;
import io.underpass.protocol.Reply;
import io.underpass.protocol.WireException;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * A process of a test: joins a group if it is told to, and does what its standard input says, with
 * one line of answer for each. Arguments: helper's socket, then group, ports, publish, identity, of
 * which {@code -} stands for none; {@code later} if it is to say so before it has datagrams.
 */
final class Member {
  private static final Map<String, AutoCloseable> OPEN = new ConcurrentHashMap<>();

  /** Null for a plain process. */
  private static HelperClient client;

  private Member() {}

  public static void main(String[] args) throws Exception {
    if (args.length > 1) {
      try {
        client = HelperClient.connect(Path.of(args[0]), Duration.ofSeconds(20));
        GroupWish wish =
            new GroupWish(args[1], ranges(args[2]), ranges(args[3]), args[4].replace("-", ""));
        Reply reply =
            args.length > 5
                ? client.registerWithoutDatagrams("on", wish)
                : client.register("on", wish);
        System.out.println("joined " + reply.fields().get("identity"));
      } catch (WireException e) {
        System.out.println("! " + e.code().wireName() + " " + e.getMessage());
      }
    } else {
      System.out.println("plain");
    }
    BufferedReader in =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.US_ASCII));
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      String answer;
      try {
        answer = obey(line.split(" ", -1));
      } catch (Exception e) {
        answer = "! " + e.getClass().getSimpleName() + " " + e.getMessage();
      }
      System.out.println(answer);
    }
    if (client != null) {
      client.close();
    }
  }

  private static PortRanges ranges(String text) {
    return text.equals("-") ? PortRanges.NONE : PortRanges.parse(text);
  }

  private static String obey(String[] words) throws Exception {
    return switch (words[0]) {
      case "serve", "answer" -> {
        // serve NAME KIND HOST PORT [share]
        int port = Integer.parseInt(words[4]);
        boolean share = words.length > 5;
        Endpoints.Shown shown =
            words[0].equals("serve")
                ? Endpoints.serve(words[1], words[2], words[3], port, share)
                : Endpoints.answer(words[1], words[2], words[3], port, share);
        OPEN.put(words[1], shown.socket());
        yield Endpoints.text(shown.local());
      }
      case "close" -> {
        for (AutoCloseable socket :
            words.length > 1 ? List.of(OPEN.get(words[1])) : OPEN.values()) {
          socket.close();
        }
        yield "closed";
      }
      case "connect" -> {
        int from = words.length > 4 ? Integer.parseInt(words[4]) : 0;
        yield Endpoints.connect(words[1], words[2], Integer.parseInt(words[3]), from);
      }
      case "ask" -> {
        int from = words.length > 4 ? Integer.parseInt(words[4]) : 0;
        yield Endpoints.ask(words[1], words[2], Integer.parseInt(words[3]), from);
      }
      case "disconnect" ->
          Endpoints.disconnect(words[1], Integer.parseInt(words[2]), Integer.parseInt(words[3]));
      case "datagrams" -> {
        client.datagrams();
        yield "told";
      }
      case "leave" -> {
        client.close();
        yield "left";
      }
      case "storm" -> {
        boolean share = words.length > 3;
        yield Storm.binds(Integer.parseInt(words[1]), Integer.parseInt(words[2]), share);
      }
      case "redirected" -> Long.toString(client.totals().messagesRedirected());
      case "multicast" -> Endpoints.multicast(Integer.parseInt(words[1]));
      case "hold" -> Storm.hold(Integer.parseInt(words[1]), OPEN);
      case "accelerate" ->
          Endpoints.exchange(
              Integer.parseInt(words[1]), () -> client.totals().messagesRedirected() > 300);
      default -> throw new IllegalArgumentException(words[0]);
    };
  }
}
