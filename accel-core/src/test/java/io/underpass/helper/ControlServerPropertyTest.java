/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.helper;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.underpass.protocol.HelperClient;
import io.underpass.protocol.HelperState;
import io.underpass.protocol.Reply;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.Size;
import net.jqwik.api.lifecycle.AfterContainer;
import net.jqwik.api.lifecycle.BeforeContainer;

/** Whatever bytes a client sends, it gets an error or nothing, and the helper goes on. */
class ControlServerPropertyTest {
  private static Path folder;
  private static TestServer server;

  @BeforeContainer
  static void start() throws IOException {
    folder = Files.createTempDirectory("underpass-test");
    server = new TestServer(folder);
  }

  @AfterContainer
  static void stop() throws IOException {
    server.close();
    Files.delete(folder);
  }

  @Property(tries = 300)
  void randomBytesChangeNothing(@ForAll @Size(max = 3000) byte[] bytes) throws IOException {
    sendsGarbage(bytes);
  }

  @Property(tries = 300)
  void requestsWithADefectChangeNothing(@ForAll("almostRequests") String request)
      throws IOException {
    sendsGarbage(request.getBytes(StandardCharsets.ISO_8859_1));
  }

  @Provide
  Arbitrary<String> almostRequests() {
    Arbitrary<String> whole =
        Arbitraries.of(
            "REGISTER proto=1 agent=a enabled=auto", "FLOWS limit=10", "STATUS", "TOTALS");
    // Bytes that belong nowhere in a request.
    Arbitrary<Character> wrong = Arbitraries.of('\0', '\t', '\r', '\u007f', '\u00ff');
    return whole.flatMap(
        request ->
            Arbitraries.integers()
                .between(0, request.length())
                .flatMap(
                    at ->
                        wrong.map(
                            c -> request.substring(0, at) + c + request.substring(at) + "\n")));
  }

  private static void sendsGarbage(byte[] bytes) throws IOException {
    Reply reply = server.send(bytes, true);
    if (reply != null) {
      assertNotNull(reply.code(), () -> "accepted: " + reply);
    }
    assertTrue(server.datapath.admitted().isEmpty());
    try (HelperClient client = server.client()) {
      assertEquals(HelperState.RUNNING, client.status().state());
    }
  }
}
