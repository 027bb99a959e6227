package io.underpass.bpf;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.underpass.bpf.Steersman.Mode;
import io.underpass.bpf.behaviour.Steering;
import io.underpass.bpf.behaviour.Timeouts;
import io.underpass.helper.SteeredHelper;
import io.underpass.testing.KernelTest;
import io.underpass.testing.Pinning;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A read that nothing comes for ends when it should, accelerated or not. */
@KernelTest
@Timeout(120)
class TimeoutTest {
  private static final int ROUNDS = 20;

  /** By which a median may differ; the spin of a read is 0.1 ms. */
  private static final long DIFFERENCE_NANOS = TimeUnit.MILLISECONDS.toNanos(5);

  @Test
  void aTimeoutOfAnAcceleratedSocketIsAsExactAsOverPlainTcp() throws Exception {
    Path folder = Files.createTempDirectory("underpass-timeouts");
    try (SteeredHelper helper =
        new SteeredHelper(folder.resolve("helper.sock"), Pinning.newFolder())) {
      Map<String, long[]> plain = run(null);
      Map<String, long[]> accelerated = run(helper);
      assertEquals(plain.keySet(), accelerated.keySet());
      for (Map<String, long[]> run : List.of(plain, accelerated)) {
        run.forEach(
            (api, nanos) -> {
              assertEquals(ROUNDS, nanos.length, api);
              long least = TimeUnit.MILLISECONDS.toNanos(Timeouts.TIMEOUT_MILLIS);
              assertTrue(nanos[0] >= least, () -> api + ": early: " + Arrays.toString(nanos));
            });
      }
      accelerated.forEach(
          (api, nanos) -> {
            long difference = nanos[ROUNDS / 2] - plain.get(api)[ROUNDS / 2];
            assertTrue(
                Math.abs(difference) < DIFFERENCE_NANOS,
                () -> api + ": " + Arrays.toString(plain.get(api)) + Arrays.toString(nanos));
          });
    } finally {
      Files.deleteIfExists(folder);
    }
  }

  /**
   * How long the reads took, sorted, by API.
   *
   * @param helper null: plain
   */
  private static Map<String, long[]> run(SteeredHelper helper) throws Exception {
    List<String> options =
        helper == null
            ? List.of()
            : List.of(
                "-javaagent:"
                    + BehaviourTest.AGENT
                    + "=enabled=on,join=now,socket="
                    + helper.socket());
    Process process = Testbed.java(Timeouts.class, List.of(), options, "127.0.0.1");
    Steersman steersman =
        helper == null ? null : new Steersman(helper, Mode.FROM_THE_HANDSHAKE, process.pid(), 0);
    List<String> lines =
        Dialogue.with(
            process, request -> steersman == null ? Steering.OK : steersman.answer(request));
    Map<String, long[]> nanos = new TreeMap<>();
    for (String line : lines) {
      String[] words = line.split(" ");
      nanos.put(
          words[0], Arrays.stream(words).skip(1).mapToLong(Long::parseLong).sorted().toArray());
    }
    if (steersman != null) {
      assertEquals(nanos.keySet(), steersman.confirmed().keySet());
    }
    return nanos;
  }
}
