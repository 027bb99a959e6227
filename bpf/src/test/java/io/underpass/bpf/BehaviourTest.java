/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.bpf;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.underpass.bpf.Steersman.Mode;
import io.underpass.bpf.behaviour.Api;
import io.underpass.bpf.behaviour.Program;
import io.underpass.bpf.behaviour.Steering;
import io.underpass.helper.SteeredHelper;
import io.underpass.testing.KernelTest;
import io.underpass.testing.Pinning;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * A program sees of its sockets what it sees over plain TCP, whichever API it uses, whenever its
 * connections are accelerated or taken off again. See docs/behaviour.md.
 */
@KernelTest
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@Timeout(value = 600, unit = TimeUnit.SECONDS)
class BehaviourTest {
  static final Path AGENT =
      Path.of(System.getProperty("underpass.root", "."), "javaagent/target/underpass.jar");

  /** Programs that run at the same time: they wait more than they work. */
  private static final int AT_ONCE = 4;

  private static final int SWITCHED_AT_ONCE = 2;

  /** Runs only the behaviours whose names start so. */
  private static final String ONLY = System.getProperty("underpass.behaviour", "");

  private static final long SEED = Long.getLong("underpass.seed", System.nanoTime());

  private static final Map<String, String> FAMILIES =
      new TreeMap<>(Map.of("IPv4", "127.0.0.1", "IPv6", "::1"));

  private final ExecutorService threads = Executors.newFixedThreadPool(AT_ONCE);
  private final Map<Row, Future<Outcome>> runs = new LinkedHashMap<>();
  private Path folder;
  private SteeredHelper helper;

  /** Those of which one program at a time has one for itself: it is switched as a whole. */
  private final BlockingQueue<SteeredHelper> switchable = new LinkedBlockingQueue<>();

  private final List<SteeredHelper> helpers = new ArrayList<>();

  /**
   * A row of the matrix.
   *
   * @param mode null: plain
   * @param apart only the behaviours that need a network namespace of their own
   */
  private record Row(Api api, String family, Mode mode, boolean apart) {}

  /**
   * What a run printed, and what came of its mode.
   *
   * @param confirmed how often that was seen, by behaviour
   * @param rounds how often it was let go at random
   */
  private record Outcome(List<String> lines, Map<String, Integer> confirmed, int rounds) {
    /** The lines of one behaviour's run, by its name and the moment at which it changed. */
    Map<String, List<String>> byRun() {
      Map<String, List<String>> runs = new TreeMap<>();
      for (String line : lines) {
        int at = line.indexOf(": ");
        runs.computeIfAbsent(line.substring(0, at), _ -> new ArrayList<>())
            .add(line.substring(at + 2));
      }
      return runs;
    }
  }

  @BeforeAll
  void startAll() throws Exception {
    Namespace.removeOrphans();
    folder = Files.createTempDirectory("underpass-behaviour");
    helper = start("helper.sock");
    for (int i = 0; i < SWITCHED_AT_ONCE; i++) {
      switchable.add(start("switchable" + i + ".sock"));
    }
    for (Api api : Api.values()) {
      for (String family : FAMILIES.keySet()) {
        submit(new Row(api, family, null, false));
        for (Mode mode : Mode.values()) {
          submit(new Row(api, family, mode, false));
        }
        submit(new Row(api, family, null, true));
        submit(new Row(api, family, Mode.FROM_THE_HANDSHAKE, true));
      }
    }
  }

  private SteeredHelper start(String socket) throws IOException {
    SteeredHelper started = new SteeredHelper(folder.resolve(socket), Pinning.newFolder());
    helpers.add(started);
    return started;
  }

  private void submit(Row row) {
    runs.put(row, threads.submit(() -> row.apart ? runApart(row) : runHere(row)));
  }

  @AfterAll
  void stopAll() throws Exception {
    threads.shutdownNow();
    assertTrue(threads.awaitTermination(60, TimeUnit.SECONDS));
    helpers.forEach(SteeredHelper::close);
    Files.deleteIfExists(folder);
  }

  static Stream<Arguments> matrix() {
    return Stream.of(Api.values())
        .flatMap(
            api ->
                FAMILIES.keySet().stream()
                    .flatMap(
                        family ->
                            Stream.of(Mode.values()).map(mode -> Arguments.of(api, family, mode))));
  }

  @ParameterizedTest(name = "{0}, {1}, {2}")
  @MethodSource("matrix")
  void aProgramSeesWhatItSeesOverPlainTcp(Api api, String family, Mode mode) throws Exception {
    Map<String, List<String>> plain = plain(new Row(api, family, null, false));
    Outcome outcome = runs.get(new Row(api, family, mode, false)).get();
    assertSame(plain, outcome);
    if (ONLY.isEmpty()) {
      // Each confirmation is an answer without which the program would have failed; that they were
      // asked for at all is what is left to see.
      assertTrue(plain.size() > 40, plain.keySet()::toString);
      Set<String> unconfirmed = new TreeSet<>(plain.keySet());
      unconfirmed.removeAll(outcome.confirmed().keySet());
      assertEquals(unconfirmable(mode), unconfirmed);
      if (mode == Mode.AT_RANDOM) {
        assertTrue(outcome.rounds() > 35, () -> "let go " + outcome.rounds() + " times");
      }
    }
  }

  /** Behaviours that have no connection whose mode could be seen. */
  private static Set<String> unconfirmable(Mode mode) {
    Set<String> none =
        new TreeSet<>(Set.of("connect refused", "connect timed out", "close before the accept"));
    if (mode == Mode.AT_RANDOM) {
      none.addAll(Set.of("accept that waits", "connect to oneself"));
    }
    return none;
  }

  static Stream<Arguments> apisAndFamilies() {
    return Stream.of(Api.values())
        .flatMap(api -> FAMILIES.keySet().stream().map(family -> Arguments.of(api, family)));
  }

  /** Neither end of it can be told from the other by the handshake, so it runs plain. */
  @ParameterizedTest(name = "{0}, {1}")
  @MethodSource("apisAndFamilies")
  void aSimultaneousOpenIsAsOverPlainTcp(Api api, String family) throws Exception {
    Outcome outcome = runs.get(new Row(api, family, Mode.FROM_THE_HANDSHAKE, true)).get();
    assertSame(plain(new Row(api, family, null, true)), outcome);
    assertEquals(Map.of("simultaneous open", 1), outcome.confirmed());
  }

  /** What the plain run says, by the behaviour's name. */
  private Map<String, List<String>> plain(Row row) throws Exception {
    Map<String, List<String>> plain = new TreeMap<>();
    runs.get(row).get().byRun().forEach((run, lines) -> plain.put(nameOf(run), lines));
    return plain;
  }

  private static void assertSame(Map<String, List<String>> plain, Outcome outcome) {
    List<String> differences = new ArrayList<>();
    outcome
        .byRun()
        .forEach(
            (run, lines) -> {
              List<String> truth = plain.get(nameOf(run));
              if (!lines.equals(truth)) {
                differences.add(run + "\n  plain " + truth + "\n  here  " + lines);
              }
            });
    assertTrue(
        differences.isEmpty(),
        () -> "-Dunderpass.seed=" + SEED + "\n" + String.join("\n", differences));
    Set<String> names = new TreeSet<>();
    outcome.byRun().keySet().forEach(run -> names.add(nameOf(run)));
    assertEquals(plain.keySet(), names);
  }

  /** Without the moment at which it changed. */
  private static String nameOf(String run) {
    return run.substring(0, run.lastIndexOf(" #"));
  }

  private Outcome runApart(Row row) throws Exception {
    try (Namespace namespace = new Namespace()) {
      return run(row, helper, namespace);
    }
  }

  private Outcome runHere(Row row) throws Exception {
    if (row.mode != Mode.SWITCHED) {
      return run(row, helper, null);
    }
    SteeredHelper own = switchable.take();
    try {
      return run(row, own, null);
    } finally {
      own.switchBack(); // where the program has failed
      switchable.add(own);
    }
  }

  /** Runs the program for one row, with that helper, in the namespace if there is one. */
  private Outcome run(Row row, SteeredHelper helper, Namespace namespace) throws Exception {
    List<String> options = new ArrayList<>(List.of("-Xmx512m", "-XX:+UseSerialGC"));
    if (row.mode != null) {
      options.add("-javaagent:" + AGENT + "=enabled=on,join=now,socket=" + helper.socket());
    }
    Process process =
        Testbed.java(
            Program.class,
            namespace == null ? List.of() : namespace.prefix(),
            options,
            row.api.name(),
            FAMILIES.get(row.family),
            howOften(row.mode),
            row.apart ? Program.APART : ONLY);
    Steersman steersman =
        row.mode == null ? null : new Steersman(helper, row.mode, process.pid(), SEED);
    List<String> lines = Dialogue.with(process, request -> answer(request, steersman, namespace));
    return steersman == null
        ? new Outcome(lines, Map.of(), 0)
        : new Outcome(lines, steersman.confirmed(), steersman.rounds());
  }

  /** Where the mode changes at no moment, they are what they are in the others. */
  private static String howOften(Mode mode) {
    if (mode == null || !mode.changes()) {
      return "once";
    }
    return mode == Mode.SWITCHED ? "ever" : "moments";
  }

  private static String answer(String request, Steersman steersman, Namespace namespace)
      throws Exception {
    if (request.equals(Steering.HOLD)) {
      namespace.hold();
    } else if (request.equals(Steering.RELEASE)) {
      namespace.release();
    } else if (steersman != null) {
      return steersman.answer(request);
    }
    return Steering.OK;
  }
}
