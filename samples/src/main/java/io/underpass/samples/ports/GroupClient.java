/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.samples.ports;

import com.fasterxml.jackson.databind.JsonNode;
import io.underpass.samples.process.Dialogue;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.Map;

/** A program that asks who serves a port. It knows nothing of Underpass. */
public final class GroupClient {

  private final HttpClient http =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

  private GroupClient() {}

  /** Asks as it is told to, until standard input ends. */
  public static void main(String[] args) throws IOException {
    Dialogue.serve(new GroupClient()::ask);
    System.exit(0); // The client's own threads need not be waited for.
  }

  private Map<String, String> ask(JsonNode question) throws InterruptedException {
    URI uri = URI.create("http://localhost:" + question.get("port").asInt() + "/");
    try {
      HttpResponse<String> answer =
          http.send(HttpRequest.newBuilder(uri).build(), HttpResponse.BodyHandlers.ofString());
      return Map.of("answer", answer.body());
    } catch (IOException e) {
      return Map.of("answer", e.getClass().getSimpleName());
    }
  }
}
