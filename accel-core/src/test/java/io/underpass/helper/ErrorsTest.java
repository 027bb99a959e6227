/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.helper;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.underpass.protocol.ErrorCode;
import io.underpass.protocol.HelperClient;
import io.underpass.protocol.WireException;
import io.underpass.service.HelperConfig;
import io.underpass.service.Vital;
import io.underpass.testing.KernelTest;
import io.underpass.testing.Pinning;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What no program expects: one request's is that request's, and a thread's ends the helper. */
@Timeout(60)
class ErrorsTest {
  @TempDir private Path folder;

  @Test
  void anErrorRefusesTheRequestAndNoOther() throws Exception {
    try (TestServer server = new TestServer(folder)) {
      server.datapath.error = new OutOfMemoryError("of the test");
      for (int i = 0; i < 10; i++) {
        try (HelperClient client = server.client()) {
          client.register("on").orThrow();
          WireException failed = assertThrows(WireException.class, () -> client.flows(10));
          assertEquals(ErrorCode.INTERNAL, failed.code());
        }
        while (!server.datapath.admitted().isEmpty()) {
          Thread.sleep(5);
        }
      }
      server.datapath.error = null;
      try (HelperClient client = server.client()) {
        client.register("on").orThrow();
        assertEquals(2, client.flows(10).size());
      }
      assertTrue(
          server.log.stream()
              .anyMatch(
                  line ->
                      line.matches(
                          "underpass: a request failed: OutOfMemoryError:.* of the test at .*"
                              + "ErrorsTest.* \\(10 times\\)")),
          server.log::toString);
    }
  }

  @Test
  void aThreadThatEndsByAnErrorIsTold() throws Exception {
    Vital vital = new Vital();
    BlockingQueue<Throwable> told = new ArrayBlockingQueue<>(2);
    Error error = new OutOfMemoryError("of the test");
    Thread thread =
        vital.thread(
            "vital",
            () -> {
              throw error;
            });
    thread.start();
    thread.join();
    vital.whenFailed(told::add); // later than it happened
    assertEquals(error, told.take());
  }

  @KernelTest
  @Test
  void aStopThatHangsIsGivenUp() throws Exception {
    List<String> log = new CopyOnWriteArrayList<>();
    MemoryDatapath datapath = new MemoryDatapath(9, 0);
    datapath.hangsAtClose = true;
    Path pins = Pinning.newFolder();
    HelperConfig config =
        HelperConfig.defaults().withSocket(folder.resolve("helper.sock")).withBpffs(pins);
    Helper helper = Helper.start(config, (_, _, _) -> datapath, new Audit(log::add));
    try {
      helper.close();
      assertTrue(helper.hung());
      assertTrue(log.getLast().contains("stop: it hangs"), log::toString);
    } finally {
      datapath.hanging.countDown();
    }
    while (Files.exists(pins)) {
      Thread.sleep(10); // it comes to its end after all
    }
  }

  @KernelTest
  @Test
  void theHelperEndsWithWhatItCannotDoWithout() throws Exception {
    List<String> log = new CopyOnWriteArrayList<>();
    MemoryDatapath datapath = new MemoryDatapath(9, 0);
    HelperConfig config =
        HelperConfig.defaults()
            .withSocket(folder.resolve("helper.sock"))
            .withBpffs(Pinning.newFolder());
    try (Helper helper = Helper.start(config, (_, _, _) -> datapath, new Audit(log::add));
        HelperClient client = HelperClient.connect(config.socket(), Duration.ofSeconds(10))) {
      client.register("on").orThrow();
      datapath.fail(new OutOfMemoryError("of the test"));
      helper.awaitEnd();
      client.awaitEnd();
      assertTrue(log.getLast().startsWith("underpass: a thread that the helper needs failed: "));
    }
  }
}
