/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.samples.bench;

import com.fasterxml.jackson.databind.JsonNode;
import io.underpass.samples.process.Dialogue;
import java.io.Closeable;
import java.io.IOException;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;

/** The serving JVM of a pair: listens, and does with each connection what the suite wants. */
public final class PeerServer {

  /** What a stream's reader offers to each read. */
  private static final int SINK = 64 * 1024;

  /** Written by the thread that reads a stream, read by the one that measures. */
  private final AtomicLong received = new AtomicLong();

  /** Where the current row's connections come in. */
  private Closeable current;

  private PeerServer() {}

  /** Does as it is told until standard input ends. */
  public static void main(String[] args) throws IOException {
    Dialogue.serve(new PeerServer()::answer);
  }

  private Object answer(JsonNode request) throws Exception {
    return switch (request.get("verb").asText()) {
      case "listen" -> Map.of("address", listen(request));
      case "receive" -> receive(request.get("millis").asLong());
      case "await" -> Registered.await();
      case "redirected" -> Map.of("bytes", Redirected.bytes());
      default -> throw new IllegalArgumentException("unknown: " + request);
    };
  }

  /** What is done with one connection. */
  @FunctionalInterface
  private interface Session {
    void run(Link link) throws IOException;
  }

  private String listen(JsonNode request) throws IOException {
    if (current != null) {
      current.close();
    }
    int size = request.get("request").asInt();
    int response = request.get("response").asInt();
    int messages = request.get("messages").asInt();
    String mode = request.get("mode").asText();
    if (mode.equals("flows")) {
      FlowsServer flows = new FlowsServer(size);
      current = flows;
      return flows.address();
    }
    Session session =
        switch (mode) {
          case "echo" -> link -> echo(link, size, response);
          case "sink" -> this::sink;
          case "visit" -> link -> visit(link, size, response, messages);
          default -> throw new IllegalArgumentException("unknown: " + request);
        };
    int capacity = mode.equals("sink") ? SINK : Math.max(size, response);
    Transport transport = Transport.valueOf(request.get("transport").asText());
    Transport.Listener listener = transport.listen(request.get("address").asText(), capacity);
    current = listener;
    boolean ownThread = !mode.equals("visit");
    Thread.ofPlatform().daemon().name("accept").start(() -> accept(listener, session, ownThread));
    return listener.address();
  }

  private static void accept(Transport.Listener listener, Session session, boolean ownThread) {
    try (listener) {
      while (true) {
        Link link = listener.accept().next();
        if (ownThread) {
          Thread.ofPlatform().daemon().name("session").start(() -> serve(link, session));
        } else {
          serve(link, session);
        }
      }
    } catch (IOException e) {
      if (!listener.isClosed()) {
        System.err.println("cannot accept: " + e);
      }
    }
  }

  private static void serve(Link link, Session session) {
    try (link) {
      session.run(link);
    } catch (IOException e) {
      // The client has closed: the row is over.
    }
  }

  private static void echo(Link link, int request, int response) throws IOException {
    while (true) {
      link.readFully(request);
      link.write(response);
    }
  }

  private void sink(Link link) throws IOException {
    for (int n = link.readSome(); n >= 0; n = link.readSome()) {
      received.lazySet(received.getPlain() + n);
    }
  }

  /** This end closes first, so the client's next connect never finds its port in TIME_WAIT. */
  private static void visit(Link link, int request, int response, int messages) throws IOException {
    for (int i = 0; i < messages; i++) {
      link.readFully(request);
      link.write(response);
    }
  }

  /**
   * {@return how many bytes arrive in {@code millis}, in how many nanoseconds that was, and how
   * many arrived ever} Goes on where nothing came: on a busy host a short round may pass without a
   * turn of the writer, and would be no figure.
   */
  private Map<String, Long> receive(long millis) throws InterruptedException {
    long before = received.get();
    long start = System.nanoTime();
    Thread.sleep(millis);
    while (millis > 0 && received.get() == before) {
      Thread.sleep(1);
    }
    long nanos = System.nanoTime() - start;
    long total = received.get();
    return Map.of("bytes", total - before, "nanos", nanos, "total", total);
  }
}
