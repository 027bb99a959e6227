/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.bpf;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.underpass.bpf.Steersman.Mode;
import io.underpass.bpf.behaviour.Steering;
import io.underpass.bpf.behaviour.Timeouts;
import io.underpass.helper.SteeredHelper;
import io.underpass.testing.KernelTest;
import io.underpass.testing.Pinning;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.function.ToLongFunction;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * A read that nothing comes for ends when it should, accelerated or not, and also where that
 * changes while it waits.
 */
@KernelTest
@Timeout(120)
class TimeoutTest {
  /** By which they may differ; the spin of a read is 0.1 ms. */
  private static final long DIFFERENCE_NANOS = TimeUnit.MILLISECONDS.toNanos(5);

  private Path folder;
  private SteeredHelper helper;

  @BeforeEach
  void start() throws IOException {
    folder = Files.createTempDirectory("underpass-timeouts");
    helper = new SteeredHelper(folder.resolve("helper.sock"), Pinning.newFolder());
  }

  @AfterEach
  void stop() throws IOException {
    helper.close();
    Files.deleteIfExists(folder);
  }

  @Test
  void aTimeoutOfAnAcceleratedSocketIsAsExactAsOverPlainTcp() throws Exception {
    Map<String, long[]> plain = run(null, "127.0.0.1", false);
    assertAsExact(plain, run(Mode.FROM_THE_HANDSHAKE, "127.0.0.1", false), TimeoutTest::median);
  }

  @Test
  void aTimeoutIsAsExactWhereTheSocketIsEnrolledOrTakenOffMeanwhile() throws Exception {
    Map<String, long[]> plain = run(null, "::1", true);
    // The least, since they are few: what is late for the change is so each time.
    assertAsExact(plain, run(Mode.IN_MID_STREAM, "::1", true), sorted -> sorted[0]);
    assertAsExact(plain, run(Mode.TAKEN_OFF, "::1", true), sorted -> sorted[0]);
  }

  private static void assertAsExact(
      Map<String, long[]> plain,
      Map<String, long[]> accelerated,
      ToLongFunction<long[]> representative) {
    assertEquals(plain.keySet(), accelerated.keySet());
    accelerated.forEach(
        (api, nanos) -> {
          long difference =
              representative.applyAsLong(nanos) - representative.applyAsLong(plain.get(api));
          assertTrue(
              Math.abs(difference) < DIFFERENCE_NANOS,
              () -> api + ": " + Arrays.toString(plain.get(api)) + Arrays.toString(nanos));
        });
  }

  private static long median(long[] sorted) {
    return sorted[sorted.length / 2];
  }

  /**
   * How long the reads took, sorted, by API; none was early.
   *
   * @param mode null: plain
   */
  private Map<String, long[]> run(Mode mode, String address, boolean overChange) throws Exception {
    List<String> options =
        mode == null
            ? List.of()
            : List.of(
                "-javaagent:"
                    + BehaviourTest.AGENT
                    + "=enabled=on,join=now,socket="
                    + helper.socket());
    String[] arguments =
        overChange ? new String[] {address, Timeouts.OVER_CHANGE} : new String[] {address};
    Process process = Testbed.java(Timeouts.class, List.of(), options, arguments);
    Steersman steersman = mode == null ? null : new Steersman(helper, mode, process.pid(), 0);
    List<String> lines =
        Dialogue.with(
            process, request -> steersman == null ? Steering.OK : steersman.answer(request));
    Map<String, long[]> all = new TreeMap<>();
    long least = TimeUnit.MILLISECONDS.toNanos(Timeouts.timeoutMillis(overChange));
    for (String line : lines) {
      String[] words = line.split(" ");
      long[] nanos = Arrays.stream(words).skip(1).mapToLong(Long::parseLong).sorted().toArray();
      // A change may be later than the timeout where the machine is busy.
      int enough = overChange ? Timeouts.CHANGES / 2 : Timeouts.ROUNDS;
      assertTrue(nanos.length >= enough, line);
      assertTrue(nanos[0] >= least, () -> "early: " + line);
      all.put(words[0], nanos);
    }
    if (steersman != null) {
      assertEquals(all.keySet(), steersman.confirmed().keySet());
    }
    return all;
  }
}
