/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.service;

import io.underpass.protocol.Probe;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Consumer;

/**
 * Where a helper gets its data path from. The command line hands one to the helper, which so knows
 * nothing of BPF.
 */
public interface DatapathSource {
  /**
   * Loads, attaches and pins the programs, or adopts what an earlier helper pinned.
   *
   * @param cgroup where the v2 hierarchy is mounted
   * @param trouble gets a line for each thing that goes wrong while the data path works
   */
  Datapath load(HelperConfig config, Path cgroup, Consumer<String> trouble) throws IOException;

  /** Takes over what an earlier helper pinned, only for {@link Datapath#drain}. */
  Datapath adoptPaused(HelperConfig config, Path cgroup, Consumer<String> trouble)
      throws IOException;

  /** Whether an earlier helper left pins in this folder, which {@link #adoptPaused} takes over. */
  boolean isLeft(Path pinFolder) throws IOException;

  /** The folders in this one that helpers of other versions left, whose layouts are others. */
  List<Path> foreignLeft(Path pinFolder) throws IOException;

  /** Removes of these what no process uses any more; returns those that had to stay. */
  List<Path> removeForeign(Path pinFolder) throws IOException;

  /** Tries the kernel as a start does, without a helper. */
  List<Probe> probe(Path cgroup) throws IOException;
}
