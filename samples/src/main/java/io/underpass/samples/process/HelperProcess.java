/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.samples.process;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;

/**
 * A helper of our own, as {@code bin/underpass helper} runs it: with its own socket, policy and
 * pins, so that it neither disturbs nor needs one that the host may have.
 */
public final class HelperProcess implements AutoCloseable {

  /** What the helper prints when it serves. */
  private static final String READY = "underpass: helper ready";

  /** Who came and went is of no interest here; what else the helper says is. */
  private static final Pattern AUDIT = Pattern.compile("^underpass: (registered|ended) ");

  private static final Path BPFFS = Path.of("/sys/fs/bpf");

  private final Child child;
  private final Path socket;
  private final Path pins;

  private HelperProcess(Child child, Path socket, Path pins) {
    this.child = child;
    this.socket = socket;
    this.pins = pins;
  }

  /**
   * Starts a helper and waits until it serves; in an emulator that takes a minute. It admits root,
   * and {@link JvmCommand#NOBODY}.
   *
   * @param rules more lines of its policy
   * @throws ChildException if it ends or is silent instead; its own line on standard error says why
   */
  public static HelperProcess start(Workspace workspace, String... rules) throws IOException {
    return start(workspace, Project.command(), rules);
  }

  /** Starts the helper of another installation. */
  static HelperProcess start(Workspace workspace, Path underpass, String... rules)
      throws IOException {
    Path socket = workspace.folder().resolve("helper.sock");
    Path policy = workspace.folder().resolve("policy");
    Path pins = BPFFS.resolve(workspace.folder().getFileName().toString());
    Files.writeString(
        policy,
        "# The users of this run.\nallow uid 0\nallow uid %d\n%s\n"
            .formatted(JvmCommand.NOBODY, String.join("\n", rules)));
    List<String> command =
        List.of(
            underpass.toString(),
            "helper",
            "--socket=" + socket,
            "--policy=" + policy,
            "--pin-dir=" + pins);
    Child child = Child.start("helper", command, line -> !AUDIT.matcher(line).find());
    HelperProcess helper = workspace.hold(new HelperProcess(child, socket, pins));
    String line = child.line(Child.PATIENCE);
    while (!line.startsWith(READY)) {
      line = child.line(Child.PATIENCE);
    }
    return helper;
  }

  public Path socket() {
    return socket;
  }

  public Path pins() {
    return pins;
  }

  public Child child() {
    return child;
  }

  @Override
  public void close() throws IOException {
    child.close();
    // The helper removes its pins when it ends; one that was killed leaves them for a successor,
    // and here is none.
    Workspace.deleteTree(pins);
  }
}
