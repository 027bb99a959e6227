/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.samples.ports;

import java.util.List;

/**
 * One question, and what came of it.
 *
 * @param client who asked
 * @param port which port of localhost it asked
 * @param expected the answer that is right: the server's name, and the port as the server sees it
 * @param answer what was answered
 */
record Visit(String client, int port, String expected, String answer) {

  private static final String FORM = "%-12s %-17s %-28s %s%n";

  boolean right() {
    return answer.equals(expected);
  }

  /** Who answered whom. */
  static String table(List<Visit> visits) {
    StringBuilder text = new StringBuilder();
    text.append(FORM.formatted("client", "asks", "answer: server, its port", ""));
    for (Visit visit : visits) {
      text.append(
          FORM.formatted(
              visit.client,
              "localhost:" + visit.port,
              visit.answer,
              visit.right() ? "right" : "WRONG: it should be " + visit.expected));
    }
    return text.toString();
  }
}
