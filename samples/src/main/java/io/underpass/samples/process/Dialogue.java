/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.samples.process;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Map;

/**
 * The child's half of a conversation: one JSON request a line comes in on standard input, one JSON
 * answer a line goes out on standard output. The parent's half is {@link Child#ask}. When the
 * parent is gone, standard input ends, and so does the child: nothing is left running.
 */
public final class Dialogue {

  /** Shared by both halves; it is immutable once configured, so any thread may use it. */
  public static final ObjectMapper JSON =
      new ObjectMapper().enable(SerializationFeature.ORDER_MAP_ENTRIES_BY_KEYS);

  /** The name of an answer's only field where the request failed. */
  static final String ERROR = "error";

  private Dialogue() {}

  /** Answers one request with something that Jackson can write. */
  @FunctionalInterface
  public interface Service {
    Object answer(JsonNode request) throws Exception;
  }

  /** Answers requests until standard input ends. */
  public static void serve(Service service) throws IOException {
    BufferedReader requests =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    PrintStream answers = System.out;
    for (String line = requests.readLine(); line != null; line = requests.readLine()) {
      answers.println(JSON.writeValueAsString(answer(service, line)));
      answers.flush();
    }
  }

  private static Object answer(Service service, String line) {
    try {
      return service.answer(JSON.readTree(line));
    } catch (Exception e) {
      return Map.of(ERROR, e.toString());
    }
  }
}
