/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.samples.demo;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.underpass.samples.process.Project;
import io.underpass.samples.process.Workspace;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;

class PairTest {

  private static final Duration ROUND = Duration.ofMillis(500);

  @Test
  void everyBodyComesBackAsItWasGenerated() throws Exception {
    try (Workspace workspace = Workspace.create("demo-test")) {
      Path folder = workspace.folder().resolve("files");
      List<Content.Item> items = Content.generate(folder);

      Round rounds = round(workspace, folder, items);

      assertTrue(rounds.requests() > 0);
      assertEquals(0, rounds.mismatches());
      assertEquals(rounds.requests(), rounds.all().getTotalCount());
    }
  }

  @Test
  void aWrongBodyIsCounted() throws Exception {
    try (Workspace workspace = Workspace.create("demo-test")) {
      Path folder = workspace.folder().resolve("files");
      List<Content.Item> items = new ArrayList<>(Content.generate(folder));
      Content.Item first = items.getFirst();
      items.set(0, new Content.Item(first.file(), first.bytes(), "0".repeat(64)));

      assertTrue(round(workspace, folder, items).mismatches() > 0);
    }
  }

  @Test
  void aJvmWithoutTheAgentSaysSoOverJmx() throws Exception {
    try (Workspace workspace = Workspace.create("demo-test")) {
      Path folder = workspace.folder().resolve("files");
      Pair pair = start(workspace, folder, Content.generate(folder));

      JmxView view = JmxView.of(pair.client().pid());

      assertEquals(List.of(), view.flows());
      assertTrue(view.reasons().contains("publishes no io.underpass:type=Accelerator"));
    }
  }

  @Test
  void nothingIsLeftWhenTheWorkspaceIsClosed() throws Exception {
    Pair pair;
    Path folder;
    try (Workspace workspace = Workspace.create("demo-test")) {
      folder = workspace.folder();
      List<Content.Item> items = Content.generate(folder.resolve("files"));
      pair = start(workspace, folder.resolve("files"), items);
      assertTrue(ProcessHandle.of(pair.server().pid()).isPresent());
    }

    assertTrue(ProcessHandle.of(pair.server().pid()).isEmpty());
    assertTrue(ProcessHandle.of(pair.client().pid()).isEmpty());
    assertTrue(Files.notExists(folder));
  }

  private static Round round(Workspace workspace, Path folder, List<Content.Item> items)
      throws Exception {
    Pair pair = start(workspace, folder, items);
    pair.round(ROUND);
    return pair.rounds();
  }

  private static Pair start(Workspace workspace, Path folder, List<Content.Item> items)
      throws Exception {
    String classPath = workspace.publish(Project.classPath());
    return Pair.start("plain", workspace, classPath, folder, items, UnaryOperator.identity());
  }
}
