package io.underpass.samples.bench;

import com.fasterxml.jackson.databind.JsonNode;
import io.underpass.samples.process.Dialogue;
import java.io.IOException;
import java.util.Map;
import org.HdrHistogram.Histogram;

/** The calling JVM of a pair: one connection at a time, one round for each request. */
public final class PeerClient {

  private Link link;
  private Transport transport;
  private String address;
  private int size;

  /** The thread that writes a stream, in {@code write} until {@code pause}. */
  private Thread writer;

  private volatile boolean writing;

  private PeerClient() {}

  /** Does as it is told until standard input ends. */
  public static void main(String[] args) throws IOException {
    Dialogue.serve(new PeerClient()::answer);
    System.exit(0);
  }

  private Object answer(JsonNode request) throws Exception {
    return switch (request.get("verb").asText()) {
      case "aim" -> aim(request);
      case "open" -> open();
      case "ping" -> ping(nanos(request));
      case "write" -> write();
      case "pause" -> pause();
      case "visit" -> visit(nanos(request), request.get("messages").asInt());
      case "close" -> close();
      case "redirected" -> Map.of("bytes", Redirected.bytes());
      default -> throw new IllegalArgumentException("unknown: " + request);
    };
  }

  private static long nanos(JsonNode request) {
    return request.get("millis").asLong() * 1_000_000;
  }

  private Map<String, ?> aim(JsonNode request) {
    transport = Transport.valueOf(request.get("transport").asText());
    address = request.get("address").asText();
    size = request.get("size").asInt();
    return Map.of();
  }

  private Map<String, ?> open() throws IOException {
    link = transport.connect(address, size);
    return Map.of();
  }

  private Map<String, ?> close() throws IOException {
    link.close();
    return Map.of();
  }

  private Map<String, ?> ping(long nanos) throws IOException {
    Histogram times = new Histogram(10_000_000_000L, 3);
    long begin = System.nanoTime();
    long end = begin + nanos;
    while (begin < end) {
      link.write(size);
      link.readFully(size);
      long done = System.nanoTime();
      times.recordValue(done - begin);
      begin = done;
    }
    return Map.of(
        "median", times.getValueAtPercentile(50),
        "p99", times.getValueAtPercentile(99),
        "count", times.getTotalCount());
  }

  private Map<String, ?> write() {
    writing = true;
    writer = Thread.ofPlatform().daemon().name("writer").start(this::writeOn);
    return Map.of();
  }

  private void writeOn() {
    try {
      while (writing) {
        link.write(size);
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
      try (Link visit = transport.connect(address, size)) {
        for (int i = 0; i < messages; i++) {
          visit.write(size);
          visit.readFully(size);
        }
        if (visit.readSome() >= 0) {
          throw new IOException("more came back than was sent");
        }
      }
      count++;
      now = System.nanoTime();
    }
    return Map.of("count", count, "nanos", now - begin);
  }
}
