/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.agent;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.underpass.agent.child.Talk;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/** Two JVMs with the agent, and numbered connections between them; the same number at both ends. */
final class Dialogue implements AutoCloseable {
  final Child server;
  final Child client;
  private final int port;

  /** Of the client's ends, by number. */
  private final List<String> addresses = new ArrayList<>();

  Dialogue(Path socket) throws Exception {
    this(Child.agent(Child.socket(socket)), Jdk.current(), Jdk.current(), "sockets");
  }

  /**
   * On these JDKs.
   *
   * @param agent the flag for both JVMs; null: they run without the agent
   * @param kind {@code sockets} or {@code channels}
   */
  Dialogue(String agent, Jdk servers, Jdk clients, String kind) throws Exception {
    server = start(agent, servers, kind);
    client = start(agent, clients, kind);
    port = Integer.parseInt(server.line());
    client.line();
  }

  private static Child start(String agent, Jdk jdk, String kind) throws IOException {
    List<String> arguments = new ArrayList<>();
    arguments.add("--add-opens=java.base/java.net=ALL-UNNAMED"); // for the word "room", as is this
    arguments.add("--add-opens=java.base/sun.nio.ch=ALL-UNNAMED");
    if (agent != null) {
      arguments.add(agent);
    }
    arguments.add(Talk.class.getName());
    arguments.add(kind);
    return Child.start(jdk, arguments.toArray(String[]::new));
  }

  /** One more connection. */
  int connect() throws Exception {
    client.send("connect " + port);
    server.send("accept");
    String mine = client.line();
    assertEquals(List.of(mine.split(" ", -1)), List.of(server.line().split(" ", -1)).reversed());
    addresses.add(mine);
    return addresses.size() - 1;
  }

  /** The client's address and the server's, as the helper names them. */
  String addresses(int connection) {
    return addresses.get(connection);
  }

  /** So many requests of the client, and the server's answers; nothing is lost or out of order. */
  void exchange(int connection, int times) throws Exception {
    server.send("answer " + connection + " " + times);
    client.send("ask " + connection + " " + times);
    assertEquals("in order", client.line());
    assertEquals("in order", server.line());
  }

  /** What one end says to a line. */
  static String say(Child end, String line) throws Exception {
    end.send(line);
    return end.line();
  }

  /** What the beans of one end say: a value for each name. */
  static Map<String, String> jmx(Child end) throws Exception {
    return end.ask("jmx").stream()
        .map(line -> line.split("=", 2))
        .collect(Collectors.toMap(words -> words[0], words -> words[1], (one, two) -> one));
  }

  /** The agents of both have had no trouble of their own. */
  void assertNoErrorsInside() throws Exception {
    for (Child end : List.of(client, server)) {
      assertEquals("0", jmx(end).get("SuppressedErrors"));
    }
  }

  @Override
  public void close() throws IOException {
    client.close();
    server.close();
  }
}
