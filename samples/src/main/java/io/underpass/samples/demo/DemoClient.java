/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.samples.demo;

import com.fasterxml.jackson.databind.JsonNode;
import io.underpass.samples.process.Dialogue;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.HdrHistogram.Histogram;

/**
 * A program that talks HTTP with {@link HttpClient}, and checks what it gets. It knows nothing of
 * Underpass. Each request of the dialogue is one round.
 */
public final class DemoClient {

  /**
   * HttpClient may close a kept-alive connection at the very moment when it takes it for the next
   * request ("HTTP/1.1 header parser received no bytes"), plain or accelerated. It repeats a GET
   * itself then, and leaves a POST to its caller.
   */
  private static final int ATTEMPTS = 3;

  private final HttpClient http =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
  private final List<Exchange> exchanges = new ArrayList<>();

  /** One kind of request, and what must come back. */
  private record Exchange(String kind, int bytes, HttpRequest request, String sha256) {}

  private DemoClient(URI server, List<Content.Item> items, Path folder) throws IOException {
    for (Content.Item item : items) {
      URI file = server.resolve("/files/" + item.file());
      exchanges.add(
          new Exchange(
              Kinds.get(item.bytes()),
              item.bytes(),
              HttpRequest.newBuilder(file).build(),
              item.sha256()));
      byte[] body = Files.readAllBytes(folder.resolve(item.file()));
      HttpRequest post =
          HttpRequest.newBuilder(server.resolve("/echo/"))
              .POST(HttpRequest.BodyPublishers.ofByteArray(body))
              .build();
      exchanges.add(new Exchange(Kinds.echo(item.bytes()), item.bytes(), post, item.sha256()));
    }
  }

  /**
   * Plays rounds as it is told to.
   *
   * @param args the server's address, the folder of the files, and what should be in them: the
   *     items as JSON
   */
  public static void main(String[] args) throws Exception {
    List<Content.Item> items = List.of(Dialogue.JSON.readValue(args[2], Content.Item[].class));
    DemoClient client = new DemoClient(URI.create(args[0]), items, Path.of(args[1]));
    Dialogue.serve(client::round);
    System.exit(0); // The client's own threads need not be waited for.
  }

  private Round round(JsonNode request) throws Exception {
    int callers = request.get("callers").asInt();
    long nanos = request.get("millis").asLong() * 1_000_000;
    long start = System.nanoTime();
    List<Future<Round>> parts = new ArrayList<>();
    try (ExecutorService threads = Executors.newFixedThreadPool(callers)) {
      for (int caller = 0; caller < callers; caller++) {
        int first = caller * exchanges.size() / callers;
        parts.add(threads.submit(() -> call(first, start + nanos)));
      }
    }
    double seconds = (System.nanoTime() - start) / 1e9;
    Round sum = Round.none();
    for (Future<Round> part : parts) {
      sum = sum.plus(part.get());
    }
    return new Round(sum.requests(), sum.mismatches(), sum.retries(), seconds, sum.histograms());
  }

  /**
   * One caller: request after request until {@code end}, small ones far more often than large ones.
   */
  private Round call(int first, long end) throws IOException, InterruptedException {
    Map<String, Histogram> histograms = new TreeMap<>();
    long requests = 0;
    long mismatches = 0;
    long retries = 0;
    for (int turn = first; System.nanoTime() < end; turn++) {
      Exchange exchange = exchanges.get(turn % exchanges.size());
      for (int i = Kinds.repeats(exchange.bytes()); i > 0; i--) {
        HttpResponse<byte[]> answer = null;
        for (int attempt = 1; answer == null; attempt++) {
          long sent = System.nanoTime();
          try {
            answer = http.send(exchange.request(), HttpResponse.BodyHandlers.ofByteArray());
            long nanos = System.nanoTime() - sent;
            histograms
                .computeIfAbsent(exchange.kind(), kind -> Round.newHistogram())
                .recordValue(nanos);
          } catch (IOException e) {
            if (attempt == ATTEMPTS) {
              throw e;
            }
            retries++;
          }
        }
        requests++;
        if (answer.statusCode() != 200
            || !Content.sha256(answer.body()).equals(exchange.sha256())) {
          mismatches++;
        }
      }
    }
    Map<String, String> encoded = new TreeMap<>();
    histograms.forEach((kind, histogram) -> encoded.put(kind, Round.encode(histogram)));
    return new Round(requests, mismatches, retries, 0, encoded);
  }
}
