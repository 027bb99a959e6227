/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.agent.report;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class ErrorLogTest {
  private final ErrorLog log = new ErrorLog();
  private final ByteArrayOutputStream said = new ByteArrayOutputStream();
  private PrintStream before;

  @BeforeEach
  void listen() {
    before = System.err;
    System.setErr(new PrintStream(said, true, StandardCharsets.UTF_8));
  }

  @AfterEach
  void stopListening() {
    System.setErr(before);
  }

  @Test
  void errorsOfOneTypeAndPlaceAreOneRowAndOneLine() throws Exception {
    long begin = System.currentTimeMillis();
    for (int i = 0; i < 1000; i++) {
      log.add(here("number " + i));
    }
    assertEquals(1000, log.count());
    assertEquals(1, log.seen().size());
    ErrorLog.Seen seen = log.seen().get(0);
    assertEquals("java.lang.IllegalStateException", seen.type());
    assertEquals("number 0", seen.message());
    assertEquals(1000, seen.count());
    assertTrue(seen.first() >= begin && seen.last() >= seen.first());
    assertTrue(seen.frames().get(0).contains("ErrorLogTest.here(ErrorLogTest.java:"));
    assertEquals(ErrorLog.TOP_FRAMES, seen.frames().size());
    assertEquals(
        List.of(
            "underpass: the agent failed, and the program goes on"
                + " (java.lang.IllegalStateException: number 0 at "
                + seen.frames().get(0)
                + "); report this, with LastErrors of the bean Accelerator"),
        lines(1));
  }

  @Test
  void anotherTypeOrPlaceIsAnotherRow() throws Exception {
    log.add(here("one"));
    log.add(new IllegalStateException("another place"));
    log.add(new StackOverflowError());
    log.add(new IllegalArgumentException("outer", new java.io.IOException("inner\nline")));
    assertEquals(List.of(1L, 1L, 1L, 1L), log.seen().stream().map(ErrorLog.Seen::count).toList());
    assertEquals("outer; caused by java.io.IOException: inner\nline", log.seen().get(3).message());
    assertEquals(4, lines(4).size(), "a message with a line end is one line too");
  }

  @Test
  void nothingGrowsWithoutBound() throws Exception {
    int many = 10 * ErrorLog.MOST_KINDS;
    for (int i = 0; i < many; i++) {
      log.add(new NoTrace(i));
    }
    assertEquals(many, log.count());
    assertEquals(ErrorLog.MOST_KINDS, log.seen().size());
    assertEquals(0, log.seen().get(0).frames().get(0).indexOf("kind0."));
    log.add(new NoTrace(0));
    assertEquals(2, log.seen().get(0).count());
    assertEquals(203, longMessage().length());
    assertEquals(ErrorLog.MOST_KINDS, lines(ErrorLog.MOST_KINDS).size());
  }

  private String longMessage() {
    ErrorLog other = new ErrorLog();
    other.add(new NoTrace(0, "x".repeat(10_000)));
    return other.seen().get(0).message();
  }

  private static IllegalStateException here(String message) {
    return new IllegalStateException(message);
  }

  /** Waits for so many lines, of threads of their own. */
  private List<String> lines(int count) throws InterruptedException {
    while (true) {
      List<String> lines = said.toString(StandardCharsets.UTF_8).lines().toList();
      if (lines.size() >= count) {
        return lines;
      }
      Thread.sleep(5);
    }
  }

  /** Thrown at a place of its own. */
  private static final class NoTrace extends RuntimeException {
    private static final long serialVersionUID = 1L;

    NoTrace(int kind) {
      this(kind, "one of many");
    }

    NoTrace(int kind, String message) {
      super(message);
      setStackTrace(
          new StackTraceElement[] {new StackTraceElement("kind" + kind, "m", "F.java", 1)});
    }
  }
}
