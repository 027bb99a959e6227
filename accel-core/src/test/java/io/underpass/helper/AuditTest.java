/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.helper;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.underpass.protocol.ErrorCode;
import io.underpass.protocol.Failure;
import io.underpass.protocol.WireException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class AuditTest {
  private final List<String> lines = new ArrayList<>();
  private final Audit audit = new Audit(lines::add);

  private static WireException denied(String why) {
    return new WireException(ErrorCode.DENIED, why);
  }

  @Test
  void aRepeatedRefusalIsCountedNotRepeated() {
    for (int i = 0; i < 1000; i++) {
      audit.refused(7, denied("the policy"));
    }
    assertEquals(
        List.of(
            "underpass: denied uid=7: the policy",
            "underpass: denied uid=7: the policy (10 times)",
            "underpass: denied uid=7: the policy (100 times)",
            "underpass: denied uid=7: the policy (1000 times)"),
        lines);
  }

  @Test
  void endlesslyManyUsersAreCountedTogetherAndHideNoFailure() {
    for (int uid = 0; uid < 100_000; uid++) {
      audit.refused(uid, denied(""));
    }
    assertTrue(lines.size() < 300, () -> lines.size() + " lines");
    assertTrue(lines.getLast().startsWith("underpass: refused: others"), lines.getLast());
    audit.failed("dismiss", new IllegalStateException("of the test"));
    assertTrue(lines.getLast().startsWith("underpass: dismiss failed: "), lines.getLast());
  }

  @Test
  void aFloodOfOneUsersEventsIsCutShortAndHidesNoOthers() {
    for (int i = 0; i < 10_000; i++) {
      audit.event(1, "registered id=" + i);
    }
    assertTrue(lines.size() < 1000, () -> lines.size() + " lines");
    audit.event(2, "registered the other");
    assertEquals("underpass: registered the other", lines.getLast());
  }

  @Test
  void aDataPathThatFailsAgainAndAgainIsCounted() {
    for (int second = 0; second < 3600; second++) {
      audit.trouble("sweep: attempt " + second);
    }
    for (int pid = 0; pid < 100; pid++) {
      audit.trouble("dismiss " + pid + ": no memory");
    }
    assertEquals(
        List.of(
            "underpass: sweep: attempt 0",
            "underpass: sweep: attempt 9 (10 times)",
            "underpass: sweep: attempt 99 (100 times)",
            "underpass: sweep: attempt 999 (1000 times)",
            "underpass: dismiss 0: no memory",
            "underpass: dismiss 9: no memory (10 times)",
            "underpass: dismiss 99: no memory (100 times)"),
        lines);
  }

  @Test
  void whatFailedIsKeptOnceWithItsCount() {
    for (int i = 1; i <= 30; i++) {
      audit.trouble("sweep: attempt " + i);
    }
    audit.failed("a request", new IllegalStateException("of\nthe test"));
    audit.refused(7, denied("the policy")); // nothing of the helper's has failed there
    List<Failure> failures = audit.failures();
    assertEquals(2, failures.size());
    Failure sweep = failures.stream().filter(f -> f.count() == 30).findFirst().orElseThrow();
    assertEquals("sweep: attempt 30", sweep.what());
    assertTrue(sweep.firstMillis() <= sweep.lastMillis() && sweep.firstMillis() > 0);
    Failure request = failures.stream().filter(f -> f.count() == 1).findFirst().orElseThrow();
    assertTrue(
        request.what().matches("a request failed: .*of\\?the test at .*AuditTest.*"),
        request::what);
  }

  @Test
  void endlesslyManyKindsOfFailureTakeNoEndlessRoom() {
    for (char c = 'a'; c < 'a' + 2 * FailureLog.MAX_KINDS; c++) {
      audit.trouble("kind " + c + ": x");
    }
    assertTrue(lines.size() < 2 * FailureLog.MAX_KINDS, () -> lines.size() + " lines");
    assertTrue(audit.failures().size() <= 32);
  }

  @Test
  void noTextMakesLinesOfItsOwnOrSpeaksToATerminal() {
    audit.refused(7, denied("group=a\nunderpass: registered id=1 pid=1 uid=0"));
    audit.event(7, "agent=\u001b]0;owned\u0007 \u009b1m\r\u202e");
    audit.failed("read", new IOException("of\nthe test"));
    assertEquals(
        List.of(
            "underpass: denied uid=7: group=a?underpass: registered id=1 pid=1 uid=0",
            "underpass: agent=?]0;owned? ?1m??",
            "underpass: read failed: IOException: java.io.IOException: of?the test"),
        lines);
  }
}
