/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.samples.bench;

import com.fasterxml.jackson.databind.JsonNode;
import io.underpass.samples.process.Dialogue;
import java.io.IOException;
import java.util.Map;
import org.HdrHistogram.Histogram;

/** The calling JVM of a pair: one connection at a time, one round for each request. */
public final class PeerClient {

  private Link link;
  private FlowsClient flows;
  private Newcomer newcomer;
  private Transport transport;
  private String address;

  /** Bytes that are sent at a time. */
  private int request;

  /** Bytes of an answer. */
  private int response;

  /** The thread that writes a stream, in {@code write} until {@code pause}. */
  private Thread writer;

  private volatile boolean writing;

  private PeerClient() {}

  /** Does as it is told until standard input ends. */
  public static void main(String[] args) throws IOException {
    Dialogue.serve(new PeerClient()::answer);
    System.exit(0);
  }

  private Object answer(JsonNode question) throws Exception {
    return switch (question.get("verb").asText()) {
      case "aim" -> aim(question);
      case "open" -> open();
      case "ping" -> ping(nanos(question, "leadIn"), nanos(question, "millis"));
      case "write" -> write();
      case "pause" -> pause();
      case "visit" -> visit(nanos(question, "millis"), question.get("messages").asInt());
      case "close" -> close();
      case "openFlows" -> openFlows(question.get("count").asInt(), question.get("laps").asInt());
      case "useFlows" -> useFlows(nanos(question, "millis"));
      case "closeFlows" -> closeFlows();
      case "arrive" -> arrive(nanos(question, "millis"));
      case "stay" -> stay(nanos(question, "millis"));
      case "moment" -> moment(question.get("up").asInt(), question.get("down").asInt());
      case "depart" -> depart();
      case "await" -> Registered.await();
      case "redirected" ->
          Map.of("bytes", Redirected.bytes(), "connections", Redirected.connections());
      default -> throw new IllegalArgumentException("unknown: " + question);
    };
  }

  private static long nanos(JsonNode question, String field) {
    return question.get(field).asLong() * 1_000_000;
  }

  private Map<String, ?> aim(JsonNode question) {
    transport = Transport.valueOf(question.get("transport").asText());
    address = question.get("address").asText();
    request = question.get("request").asInt();
    response = question.get("response").asInt();
    return Map.of();
  }

  private Map<String, ?> open() throws IOException {
    link = transport.connect(address, Math.max(request, response));
    return Map.of();
  }

  private Map<String, ?> close() throws IOException {
    link.close();
    return Map.of();
  }

  private Map<String, ?> openFlows(int count, int laps) throws IOException {
    flows = new FlowsClient(address, count, request);
    flows.warmUp(laps);
    return Map.of();
  }

  private Map<String, ?> useFlows(long nanos) throws IOException {
    long begin = System.nanoTime();
    long count = flows.exchange(nanos);
    return Map.of("count", count, "nanos", System.nanoTime() - begin);
  }

  private Map<String, ?> closeFlows() throws IOException {
    flows.close();
    return Map.of();
  }

  private Map<String, ?> arrive(long nanos) throws IOException {
    newcomer = Newcomer.connect(address, request);
    newcomer.use(nanos);
    return Map.of("port", newcomer.port(), "firstAnswer", newcomer.firstAnswer());
  }

  private Map<String, ?> stay(long nanos) throws IOException {
    newcomer.use(nanos);
    return Map.of();
  }

  private Map<String, ?> moment(int up, int down) {
    return Map.of("nanos", newcomer.moment(up, down));
  }

  private Map<String, ?> depart() throws IOException {
    newcomer.close();
    return Map.of();
  }

  private Map<String, ?> ping(long leadIn, long nanos) throws IOException {
    Histogram times = new Histogram(10_000_000_000L, 3);
    long exchanges = exchange(times, leadIn);
    times.reset();
    long start = System.nanoTime();
    exchanges += exchange(times, nanos);
    return Map.of(
        "mean",
        (double) (System.nanoTime() - start) / times.getTotalCount(),
        "exchanges",
        exchanges,
        "median",
        times.getValueAtPercentile(50),
        "p99",
        times.getValueAtPercentile(99));
  }

  /** {@return how many exchanges there were in so many nanoseconds} */
  private long exchange(Histogram times, long nanos) throws IOException {
    long begin = System.nanoTime();
    long end = begin + nanos;
    while (begin < end) {
      link.write(request);
      link.readFully(response);
      long done = System.nanoTime();
      times.recordValue(done - begin);
      begin = done;
    }
    return times.getTotalCount();
  }

  private Map<String, ?> write() {
    writing = true;
    writer = Thread.ofPlatform().daemon().name("writer").start(this::writeOn);
    return Map.of();
  }

  private void writeOn() {
    try {
      while (writing) {
        link.write(request);
      }
    } catch (IOException e) {
      System.err.println("the stream broke: " + e);
    }
  }

  private Map<String, ?> pause() throws InterruptedException {
    writing = false;
    writer.join();
    return Map.of();
  }

  private Map<String, ?> visit(long nanos, int messages) throws IOException {
    long begin = System.nanoTime();
    long now = begin;
    long count = 0;
    while (now - begin < nanos) {
      try (Link visit = transport.connect(address, request)) {
        for (int i = 0; i < messages; i++) {
          visit.write(request);
          visit.readFully(response);
        }
        if (visit.readSome() >= 0) {
          throw new IOException("more came back than was sent");
        }
        visit.forget();
      }
      count++;
      now = System.nanoTime();
    }
    return Map.of("count", count, "nanos", now - begin);
  }
}
