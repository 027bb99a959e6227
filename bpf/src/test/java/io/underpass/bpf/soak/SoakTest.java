/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.bpf.soak;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.underpass.testing.KernelTest;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The soak finds what is wrong, makes it small, and finds it again: with programs made wrong. */
@KernelTest
@Timeout(120)
class SoakTest {
  /** {@code UP_FAULT_ORDER}: redirects though older bytes are still on their way by TCP. */
  private static final String OVERTAKING = "FAULT=1";

  private static final Pattern SEED = Pattern.compile("replay: make soak SEED=(-?\\d+)");
  private static final Pattern STEP = Pattern.compile("(?m)^    (client|server|pause) .*$");

  @Test
  void aMismatchIsShrunkAndFoundAgainByItsSeed() throws Exception {
    String found = soak("SCHEDULES=2000", "SHRINK=8");
    Matcher seed = SEED.matcher(found);
    assertTrue(seed.find(), found);
    String whole = found.substring(seed.end(), found.indexOf("soak: shrinking"));
    int shrunk = found.indexOf("soak: shrunk to");
    assertTrue(shrunk > 0, found);
    assertTrue(steps(found.substring(shrunk)) > 0, found);
    assertTrue(steps(found.substring(shrunk)) < steps(whole), found);

    String again = soak("SEED=" + seed.group(1), "SHRINK=0");
    assertTrue(again.contains("SEED=" + seed.group(1)), again);
  }

  private static long steps(String schedule) {
    return STEP.matcher(schedule).results().count();
  }

  /** What it prints; it has to end with 1, for a mismatch. */
  private static String soak(String... arguments) throws IOException, InterruptedException {
    String[] all = new String[arguments.length + 1];
    all[0] = OVERTAKING;
    System.arraycopy(arguments, 0, all, 1, arguments.length);
    Process process = Jvm.of(Soak.class, all).redirectErrorStream(true).start();
    String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertEquals(1, process.waitFor(), out);
    assertTrue(out.contains("soak: MISMATCH in "), out);
    return out;
  }
}
